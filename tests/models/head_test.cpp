#include <torchkeep/error.h>
#include <torchkeep/freeze.h>
#include <torchkeep/models.h>
#include <torchkeep/module.h>

#include <ATen/ops/rand.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ReplaceHead, GivesTheLastLinearOtherOutputsAndLeavesTheRest) {
  const Model model = models::tiny_vgg({.num_classes = 10});
  model.eval();
  const at::Tensor first = model->named_parameters()["features.0.weight"].clone();
  replace_head(*model, 2);
  EXPECT_EQ(model.forward(at::rand({3, 1, 28, 28})).sizes(), (std::vector<std::int64_t>{3, 2}));
  EXPECT_TRUE(first.equal(model->named_parameters()["features.0.weight"]));
  EXPECT_EQ(model.configuration()["num_classes"].as_int(), 2);
}

TEST(ReplaceHead, DrawsTheValuesOfANewLinear) {
  torch::nn::Sequential net(torch::nn::Linear(4, 8), torch::nn::ReLU(), torch::nn::Linear(8, 10));
  torch::manual_seed(2);
  replace_head(*net, 3);
  torch::manual_seed(2);
  const torch::nn::Linear expected(8, 3);
  EXPECT_TRUE(net->named_parameters()["2.weight"].equal(expected->weight));
  EXPECT_TRUE(net->named_parameters()["2.bias"].equal(expected->bias));
}

TEST(ReplaceHead, MakesTheHeadTrainable) {
  const Model model = models::tiny_vgg();
  freeze(*model, "*");
  replace_head(*model, 2);
  const auto frozen = frozen_parameters(*model);
  EXPECT_EQ(frozen.size(), 8U);
  model.forward(at::rand({1, 1, 28, 28})).sum().backward();
  EXPECT_EQ(model->named_parameters()["classifier.2.weight"].grad().size(0), 2);
}

TEST(ReplaceHead, ForgetsTheGradientAndTheGraphOfTheOldOne) {
  const Model model = models::tiny_vgg();
  const at::Tensor kept_alive = model.forward(at::rand({1, 1, 28, 28})).sum();
  kept_alive.backward({}, /*retain_graph=*/true);
  replace_head(*model, 2);
  EXPECT_FALSE(model->named_parameters()["classifier.2.weight"].grad().defined());
  model.forward(at::rand({1, 1, 28, 28})).sum().backward();
  EXPECT_EQ(model->named_parameters()["classifier.2.weight"].grad().size(0), 2);
}

TEST(ReplaceHead, KeepsTypeAndTheAbsenceOfABias) {
  torch::nn::Sequential net(torch::nn::Linear(torch::nn::LinearOptions(8, 10).bias(false)));
  net->to(torch::kFloat64);
  replace_head(*net, 3);
  ASSERT_EQ(net->parameters().size(), 1U);
  EXPECT_EQ(net->parameters()[0].scalar_type(), torch::kFloat64);
  EXPECT_EQ(net->forward(at::rand({1, 8}, torch::kFloat64)).size(1), 3);
}

TEST(ReplaceHead, KeepsTheRowsOfClassesThatStay) {
  const Model model = models::tiny_vgg({.num_classes = 3});
  const at::Tensor weight = model->named_parameters()["classifier.2.weight"].clone();
  const at::Tensor bias = model->named_parameters()["classifier.2.bias"].clone();
  replace_head(*model, {"dog", "bird", "cat", "fish"}, {"cat", "cow", "dog"});
  const at::Tensor now = model->named_parameters()["classifier.2.weight"];
  EXPECT_EQ(now.size(0), 4);
  EXPECT_TRUE(now[0].equal(weight[2]));
  EXPECT_TRUE(now[2].equal(weight[0]));
  EXPECT_FALSE(now[1].equal(weight[1]));
  EXPECT_TRUE(model->named_parameters()["classifier.2.bias"][2].equal(bias[0]));
  EXPECT_TRUE(now.requires_grad());
}

TEST(ReplaceHead, RefusesClassesThatAreNotThoseOfTheHead) {
  const Model model = models::tiny_vgg({.num_classes = 3});
  EXPECT_ERROR(replace_head(*model, {"a", "b"}, {"c", "d"}), ErrorCode::invalid_argument,
               HasSubstr("the head tells 3 classes apart (got the names of 2)"));
  EXPECT_ERROR(replace_head(*model, {"a", "a"}, {"a", "b", "c"}), ErrorCode::invalid_argument,
               HasSubstr("the class 'a' is named twice"));
  EXPECT_EQ(model.configuration()["num_classes"].as_int(), 3);
}

TEST(ReplaceHead, RefusesAModuleWithoutALinear) {
  torch::nn::Sequential net(torch::nn::ReLU{});
  EXPECT_ERROR(replace_head(*net, 3), ErrorCode::not_found, HasSubstr("has no Linear to replace"));
}

TEST(ReplaceHead, RefusesLessThanOneClass) {
  EXPECT_ERROR(replace_head(*models::tiny_vgg(), 0), ErrorCode::invalid_argument,
               HasSubstr("at least one class (got 0)"));
}

struct TiedImpl : torch::nn::Module {
  TiedImpl() {
    first = register_module("first", torch::nn::Linear(4, 4));
    second = register_module("second", torch::nn::Linear(4, 4));
    register_parameter("alias", second->weight);
  }
  torch::nn::Linear first{nullptr};
  torch::nn::Linear second{nullptr};
};

TEST(ReplaceHead, RefusesAHeadThatSharesItsWeight) {
  TiedImpl net;
  const at::Tensor before = net.second->weight.clone();
  EXPECT_ERROR(replace_head(net, 3), ErrorCode::invalid_argument,
               HasSubstr("the head shares this parameter with second.weight"));
  EXPECT_TRUE(net.second->weight.equal(before));
}

}  // namespace
}  // namespace torchkeep
