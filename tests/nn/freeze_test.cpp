#include <string>
#include <vector>

#include <torchkeep/freeze.h>

#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace freeze_test {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

torch::nn::Sequential net_with_norm() {
  return torch::nn::Sequential(torch::nn::Linear(2, 2), torch::nn::BatchNorm1d(2),
                               torch::nn::Linear(2, 2));
}

TEST(Freeze, MatchesDottedNamesByGlob) {
  auto net = net_with_norm();
  EXPECT_THAT(freeze(*net, "*.bias"), ElementsAre("0.bias", "1.bias", "2.bias"));
  EXPECT_THAT(frozen_parameters(*net), ElementsAre("0.bias", "1.bias", "2.bias"));
  EXPECT_THAT(unfreeze(*net, "[01].*"), ElementsAre("0.weight", "0.bias", "1.weight", "1.bias"));
  EXPECT_THAT(frozen_parameters(*net), ElementsAre("2.bias"));
}

TEST(Freeze, TakesSeveralGlobsAndNamesEachParameterOnce) {
  auto net = net_with_norm();
  EXPECT_THAT(freeze(*net, std::vector<std::string>{"2.*", "0.*", "0.weight"}),
              ElementsAre("0.weight", "0.bias", "2.weight", "2.bias"));
}

TEST(Freeze, RefusesAGlobThatMatchesNothingAndFreezesNothing) {
  auto net = net_with_norm();
  EXPECT_ERROR(freeze(*net, std::vector<std::string>{"0.*", "features.*"}), ErrorCode::not_found,
               AllOf(HasSubstr("no parameter matches 'features.*'"), HasSubstr("0.weight")));
  EXPECT_THAT(frozen_parameters(*net), IsEmpty());
}

TEST(Freeze, FrozenBatchNormsKeepTheirStatistics) {
  auto net = net_with_norm();
  freeze(*net, "1.weight");
  EXPECT_TRUE(net[1]->is_training());
  freeze(*net, "1.bias");
  EXPECT_FALSE(net[1]->is_training());
  train(*net);
  EXPECT_FALSE(net[1]->is_training());
  EXPECT_TRUE(net[0]->is_training());
  net->forward(at::ones({4, 2}));
  EXPECT_EQ(net[1]->as<torch::nn::BatchNorm1dImpl>()->num_batches_tracked.item<std::int64_t>(), 0);
}

TEST(Freeze, UnfrozenBatchNormsFollowTheirModel) {
  auto net = net_with_norm();
  freeze(*net, "1.*");
  unfreeze(*net, "1.bias");
  EXPECT_TRUE(net[1]->is_training());
  freeze(*net, "1.*");
  net->eval();
  unfreeze(*net, "1.*");
  EXPECT_FALSE(net[1]->is_training());
}

struct OtherNormImpl : torch::nn::NormImplBase<2, OtherNormImpl, torch::nn::BatchNormOptions> {
  using NormImplBase::NormImplBase;
  void _check_input_dim(const at::Tensor&) override {}
};

TEST(Freeze, ModulesFrozenAsAWholeStayInEvaluationMode) {
  torch::nn::Module net;
  const auto stage =
      net.register_module("stage", std::make_shared<torch::nn::SequentialImpl>(
                                       torch::nn::Linear(2, 2), torch::nn::Dropout(0.5)));
  const auto norm = net.register_module("norm", std::make_shared<OtherNormImpl>(2));
  const auto head = net.register_module("head", torch::nn::Linear(2, 2));
  freeze(net, std::vector<std::string>{"stage.*", "norm.*"});
  train(net);
  EXPECT_TRUE(net.is_training());
  EXPECT_FALSE(stage->is_training());
  EXPECT_FALSE(stage->children()[1]->is_training());
  EXPECT_FALSE(norm->is_training());
  EXPECT_TRUE(head->is_training());
  unfreeze(net, "stage.0.bias");
  EXPECT_TRUE(stage->is_training());
  EXPECT_TRUE(stage->children()[1]->is_training());
  freeze(net, "*");
  train(net);
  EXPECT_TRUE(net.is_training());
  EXPECT_FALSE(head->is_training());
}

TEST(Freeze, BatchNormsWithoutParametersAreNotFrozen) {
  torch::nn::Sequential net(torch::nn::Linear(2, 2),
                            torch::nn::BatchNorm1d(torch::nn::BatchNormOptions(2).affine(false)));
  freeze(*net, "*");
  train(*net);
  EXPECT_TRUE(net[1]->is_training());
}

TEST(Freeze, SetsExactlyTheNamedParameters) {
  auto net = net_with_norm();
  freeze(*net, "0.*");
  set_frozen_parameters(*net, {"2.bias", "1.weight", "1.bias"});
  EXPECT_THAT(frozen_parameters(*net), ElementsAre("1.weight", "1.bias", "2.bias"));
  EXPECT_FALSE(net[1]->is_training());
  set_frozen_parameters(*net, {});
  EXPECT_THAT(frozen_parameters(*net), IsEmpty());
  EXPECT_TRUE(net[1]->is_training());
}

TEST(Freeze, SetRefusesAnUnknownNameAndChangesNothing) {
  auto net = net_with_norm();
  freeze(*net, "0.*");
  EXPECT_ERROR(set_frozen_parameters(*net, {"2.bias", "3.bias"}), ErrorCode::not_found,
               HasSubstr("no parameter '3.bias'"));
  EXPECT_THAT(frozen_parameters(*net), ElementsAre("0.weight", "0.bias"));
}

TEST(Freeze, OneNameOfATiedParameterIsEnough) {
  torch::nn::Module module;
  const at::Tensor tied = module.register_parameter("a", at::ones({2}));
  module.register_parameter("b", tied);
  set_frozen_parameters(module, {"a"});
  EXPECT_THAT(frozen_parameters(module), ElementsAre("a", "b"));
}

TEST(Freeze, GlobsCoverTheWholeName) {
  EXPECT_TRUE(glob_matches("*", "features.0.weight"));
  EXPECT_TRUE(glob_matches("features.*", "features.0.weight"));
  EXPECT_TRUE(glob_matches("features.?.weight", "features.0.weight"));
  EXPECT_TRUE(glob_matches("features.[0-3].*", "features.3.bias"));
  EXPECT_FALSE(glob_matches("features", "features.0.weight"));
  EXPECT_FALSE(glob_matches("features.?.weight", "features.10.weight"));
  EXPECT_FALSE(glob_matches("*.weight", "features.0.weight_g"));
}

}  // namespace freeze_test
}  // namespace torchkeep
