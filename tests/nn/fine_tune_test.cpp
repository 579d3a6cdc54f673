#include <string>
#include <vector>

#include <torchkeep/error.h>
#include <torchkeep/fine_tune.h>
#include <torchkeep/models.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace fine_tune_test {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> names(const std::vector<ParameterGroup>& groups) {
  std::vector<std::string> names;
  for (const ParameterGroup& group : groups) names.push_back(group.name);
  return names;
}

std::vector<double> factors(const std::vector<ParameterGroup>& groups) {
  std::vector<double> factors;
  for (const ParameterGroup& group : groups) factors.push_back(group.lr_factor);
  return factors;
}

TEST(FineTune, TrainsTheHeadAlone) {
  const Model model = models::tiny_vgg();
  const FineTunePlan plan = fine_tune(*model, {.recipe = Recipe::head});
  EXPECT_EQ(plan.frozen.size(), 8U);
  EXPECT_THAT(plan.unfreeze, IsEmpty());
  EXPECT_THAT(names(plan.groups), ElementsAre("classifier.2"));
  EXPECT_THAT(frozen_parameters(*model), IsEmpty());  // only a plan
}

TEST(FineTune, TrainsTheHeadAndThenTheRestMoreSlowly) {
  const Model model = models::tiny_vgg();
  const FineTunePlan plan =
      fine_tune(*model, {.recipe = Recipe::head_then_all, .head_epochs = 2, .layer_decay = 0.5});
  ASSERT_EQ(plan.unfreeze.size(), 1U);
  EXPECT_EQ(plan.unfreeze[0].epoch, 2);
  EXPECT_THAT(plan.unfreeze[0].globs, ElementsAre("*"));
  EXPECT_THAT(names(plan.groups),
              ElementsAre("classifier.2", "features.7", "features.5", "features.2", "features.0"));
  EXPECT_THAT(factors(plan.groups),
              ElementsAre(1.0, DoubleNear(0.05, 1e-12), DoubleNear(0.025, 1e-12),
                          DoubleNear(0.0125, 1e-12), DoubleNear(0.00625, 1e-12)));
}

TEST(FineTune, UnfreezesStageAfterStageFromTheBack) {
  const Model model = models::tiny_vgg();
  const FineTunePlan plan = fine_tune(*model, {.recipe = Recipe::gradual, .head_epochs = 3});
  ASSERT_EQ(plan.unfreeze.size(), 4U);
  EXPECT_EQ(plan.unfreeze[1].epoch, 6);
  EXPECT_THAT(plan.unfreeze[1].globs, ElementsAre("features.5.weight", "features.5.bias"));
}

TEST(FineTune, RefusesOptionsOutOfRange) {
  const Model model = models::tiny_vgg();
  EXPECT_ERROR(fine_tune(*model, {.head_epochs = 0}), ErrorCode::invalid_argument,
               HasSubstr("at least 1"));
  EXPECT_ERROR(fine_tune(*model, {.layer_decay = 0.0}), ErrorCode::invalid_argument,
               HasSubstr("decay"));
  EXPECT_ERROR(fine_tune(torch::nn::Module()), ErrorCode::invalid_argument,
               HasSubstr("no parameters"));
}

TEST(ParameterGroups, AreOneWhereAllRatesAreTheSame) {
  const Model model = models::tiny_vgg();
  freeze(*model, "features.[02].*");
  const auto groups = parameter_groups(*model, {.unfreeze = {{1, {"features.0"}}}});
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].parameters.size(), 8U);
  EXPECT_TRUE(groups[0].parameters[0].is_same(model->parameters()[0]));
}

TEST(ParameterGroups, HaveRatesThatFallTowardsTheInput) {
  const Model model = models::tiny_vgg();
  freeze(*model, "features.[02].*");
  const auto groups = parameter_groups(*model, {.layer_decay = 0.5});
  EXPECT_THAT(names(groups), ElementsAre("classifier.2", "features.7", "features.5"));
  EXPECT_THAT(factors(groups), ElementsAre(1.0, 0.5, 0.25));
}

TEST(ParameterGroups, RefuseAModelWithNothingToTrain) {
  const Model model = models::tiny_vgg();
  freeze(*model, "*");
  EXPECT_ERROR(parameter_groups(*model), ErrorCode::invalid_argument,
               HasSubstr("nothing can be trained"));
}

}  // namespace fine_tune_test
}  // namespace torchkeep
