#include <torchkeep/error.h>
#include <torchkeep/freeze.h>
#include <torchkeep/models.h>
#include <torchkeep/module.h>

#include <ATen/ops/rand.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/utils.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TinyVgg, SaysOneScoreForEachClass) {
  const Model model = models::tiny_vgg({.num_classes = 5});
  model.eval();
  const torch::NoGradGuard no_grad;
  EXPECT_EQ(model.forward(at::rand({3, 1, 28, 28})).sizes(), (std::vector<std::int64_t>{3, 5}));
}

TEST(TinyVgg, TakesGreyImagesAndTenClassesIfNotToldOtherwise) {
  EXPECT_TRUE(equal(models::tiny_vgg().configuration(),
                    dict({{"num_classes", 10}, {"dropout", 0.25}, {"in_channels", 1}})));
  EXPECT_TRUE(equal(models::tiny_vgg({.num_classes = 5}).configuration(),
                    dict({{"num_classes", 5}, {"dropout", 0.25}, {"in_channels", 1}})));
}

TEST(TinyVgg, HasABackboneAndAHeadThatGlobsTellApart) {
  const Model model = models::tiny_vgg();
  EXPECT_EQ(freeze(*model, "features.*").size(), 8U);
  EXPECT_THAT(unfreeze(*model, "classifier.*"),
              ElementsAre("classifier.2.weight", "classifier.2.bias"));
  EXPECT_EQ(frozen_parameters(*model).size(), 8U);
}

TEST(TinyVgg, HasTheSameInitialValuesAfterTheSameSeed) {
  const auto build = [](std::uint64_t seed) {
    torch::manual_seed(seed);
    return Value(state_dict(*models::tiny_vgg()));
  };
  EXPECT_TRUE(equal(build(3), build(3)));
  EXPECT_FALSE(equal(build(3), build(4)));
}

TEST(TinyVgg, RefusesOptionsOutOfRange) {
  EXPECT_ERROR(models::tiny_vgg({.num_classes = 0}), ErrorCode::invalid_argument,
               HasSubstr("num_classes must be at least 1 (got 0)"));
  EXPECT_ERROR(models::tiny_vgg({.dropout = 1.5}), ErrorCode::invalid_argument,
               HasSubstr("dropout must be a probability from 0 to 1 (got 1.5)"));
  EXPECT_ERROR(models::tiny_vgg({.in_channels = -1}), ErrorCode::invalid_argument,
               HasSubstr("in_channels must be at least 1 (got -1)"));
}

}  // namespace
}  // namespace torchkeep
