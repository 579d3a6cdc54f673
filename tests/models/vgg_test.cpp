#include <torchkeep/models.h>
#include <torchkeep/module.h>

#include <ATen/Context.h>
#include <ATen/ops/rand.h>
#include <torch/nn/module.h>
#include <torch/utils.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace torchkeep {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> parameter_names(const Model& model) {
  std::vector<std::string> names;
  for (const auto& item : model->named_parameters()) names.push_back(item.key());
  return names;
}

TEST(Vgg, Vgg11HasTheNamesOfTorchvision) {
  const torch::NoGradGuard no_grad;
  const Model model = models::vgg11({.num_classes = 3});
  EXPECT_THAT(parameter_names(model),
              ElementsAre("features.0.weight", "features.0.bias", "features.3.weight",
                          "features.3.bias", "features.6.weight", "features.6.bias",
                          "features.8.weight", "features.8.bias", "features.11.weight",
                          "features.11.bias", "features.13.weight", "features.13.bias",
                          "features.16.weight", "features.16.bias", "features.18.weight",
                          "features.18.bias", "classifier.0.weight", "classifier.0.bias",
                          "classifier.3.weight", "classifier.3.bias", "classifier.6.weight",
                          "classifier.6.bias"));
}

}  // namespace
}  // namespace torchkeep
