#include <string>
#include <vector>

#include <torchkeep/error.h>
#include <torchkeep/freeze.h>
#include <torchkeep/models.h>

#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace stages_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> names(const torch::nn::Module& module) {
  std::vector<std::string> names;
  for (const Stage& stage : stages(module)) names.push_back(stage.name);
  return names;
}

TEST(Stages, AreTheModulesOfAModelWithTheNormsBehindThem) {
  const Model model = models::resnet18();
  EXPECT_THAT(names(*model), ElementsAre("conv1", "layer1", "layer2", "layer3", "layer4", "fc"));
  EXPECT_THAT(stages(*model).front().parameters,
              ElementsAre("conv1.weight", "bn1.weight", "bn1.bias"));
}

TEST(Stages, AreTheBlocksOfAModelOfFewModules) {
  EXPECT_THAT(names(*models::tiny_vgg()),
              ElementsAre("features.0", "features.2", "features.5", "features.7", "classifier.2"));
  EXPECT_EQ(names(*models::mobilenet_v2()).size(), 20U);
}

TEST(Stages, HoldEveryParameterOnce) {
  for (const char* name : {"densenet121", "mobilenet_v1_x0_25", "squeezenet1_1", "mnasnet0_5"}) {
    const Model model = models::create(name);
    std::size_t count = 0;
    for (const Stage& stage : stages(*model)) count += stage.parameters.size();
    EXPECT_EQ(count, model->named_parameters().size()) << name;
  }
}

TEST(Stages, OfAModuleWithParametersOfItsOwnAndOfNone) {
  torch::nn::Module module;
  EXPECT_THAT(stages(module), IsEmpty());
  module.register_parameter("scale", at::ones({1}));
  EXPECT_THAT(names(module), ElementsAre(""));
  module.register_module("layer", torch::nn::Linear(1, 1));
  EXPECT_THAT(names(module), ElementsAre("layer"));
  EXPECT_THAT(stages(module).front().parameters,
              ElementsAre("scale", "layer.weight", "layer.bias"));
}

TEST(FreezeTo, FreezesTheFirstStagesAndNothingElse) {
  const Model model = models::resnet18();
  freeze(*model, "fc");
  EXPECT_EQ(freeze_to(*model, 1).size(), 3U);
  EXPECT_THAT(frozen_parameters(*model), ElementsAre("conv1.weight", "bn1.weight", "bn1.bias"));
  freeze_to(*model, -1);
  EXPECT_EQ(frozen_parameters(*model).size(), 60U);
  EXPECT_TRUE(model->named_parameters()["fc.weight"].requires_grad());
  freeze_to(*model, 0);
  EXPECT_THAT(frozen_parameters(*model), IsEmpty());
}

TEST(FreezeTo, RefusesMoreStagesThanThereAre) {
  const Model model = models::tiny_vgg();
  EXPECT_ERROR(freeze_to(*model, 6), ErrorCode::invalid_argument, HasSubstr("the module has 5"));
  EXPECT_ERROR(freeze_to(*model, -6), ErrorCode::invalid_argument, HasSubstr("-6 stages"));
}

TEST(Freeze, TakesThePathOfAModule) {
  const Model model = models::resnet18();
  EXPECT_EQ(freeze(*model, "layer1").size(), 12U);
  EXPECT_EQ(freeze(*model, "layer1.0.bn?").size(), 4U);
  EXPECT_ERROR(freeze(*model, "layer"), ErrorCode::not_found, HasSubstr("matches 'layer'"));
}

}  // namespace stages_test
}  // namespace torchkeep
