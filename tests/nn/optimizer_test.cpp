#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/convert.h>
#include <torchkeep/module.h>
#include <torchkeep/optimizer.h>

#include <ATen/Context.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/lbfgs.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace optimizer_test {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Parameters = std::vector<at::Tensor>;
using MakeOptimizer = std::function<std::unique_ptr<torch::optim::Optimizer>(const Parameters&)>;

torch::nn::Sequential two_layers() {
  return torch::nn::Sequential(torch::nn::Linear(3, 4), torch::nn::Linear(4, 2));
}

void train_step(torch::nn::Sequential& net, torch::optim::Optimizer& optimizer, int seed) {
  at::manual_seed(static_cast<std::uint64_t>(seed));
  optimizer.zero_grad();
  net->forward(at::randn({5, 3})).pow(2).sum().backward();
  optimizer.step();
}

template <class Class, class Options>
MakeOptimizer make(Options options) {
  return [options](const Parameters& parameters) {
    return std::make_unique<Class>(parameters, options);
  };
}

// A deep copy, as a file would give it.
Value copied(const Value& value) {
  if (value.is_tensor()) return value.as_tensor().contiguous();
  if (value.is_list()) {
    List items;
    for (const Value& item : value.items()) items.push_back(copied(item));
    return items;
  }
  if (!value.is_dict()) return value;
  Dict copy;
  for (const auto& [key, held] : value.as_dict()) copy.set(key, copied(held));
  return copy;
}

// The dict without one key, or with another value.
Value with(const Value& value, const std::string& key, const Value& other) {
  const Value copy = copied(value);
  copy.as_dict().set(key, other);
  return copy;
}
Value without(const Value& value, const std::string& key) {
  const Value copy = copied(value);
  copy.as_dict().erase(key);
  return copy;
}
Value with_group(const Value& state, const Value& group) {
  return dict({{"state", state["state"]}, {"param_groups", list({group})}});
}

// Every kind with the options that give it all the state it can have.
const std::vector<std::pair<std::string, MakeOptimizer>>& every_kind() {
  using torch::optim::Adagrad, torch::optim::AdagradOptions, torch::optim::Adam,
      torch::optim::AdamOptions, torch::optim::AdamW, torch::optim::AdamWOptions,
      torch::optim::RMSprop, torch::optim::RMSpropOptions, torch::optim::SGD,
      torch::optim::SGDOptions;
  static const std::vector<std::pair<std::string, MakeOptimizer>> kinds = {
      {"SGD", make<SGD>(SGDOptions(0.1))},
      {"SGD with momentum", make<SGD>(SGDOptions(0.1).momentum(0.9).nesterov(true))},
      {"Adam", make<Adam>(AdamOptions(0.01).weight_decay(0.1))},
      {"Adam with amsgrad", make<Adam>(AdamOptions(0.01).amsgrad(true))},
      {"AdamW", make<AdamW>(AdamWOptions(0.01).betas({0.8, 0.9}))},
      {"RMSprop", make<RMSprop>(RMSpropOptions(0.01))},
      {"centered RMSprop", make<RMSprop>(RMSpropOptions(0.01).momentum(0.5).centered(true))},
      {"Adagrad",
       make<Adagrad>(AdagradOptions(0.1).lr_decay(0.01).initial_accumulator_value(0.2))}};
  return kinds;
}

TEST(Optimizer, HasPythonsLayout) {
  auto net = two_layers();
  torch::optim::Adam adam(net->parameters(), torch::optim::AdamOptions(0.5).betas({0.8, 0.9}));
  train_step(net, adam, 1);
  const Value state = state_dict(adam, *net);
  const Value group = dict({{"lr", 0.5},
                            {"betas", tuple({0.8, 0.9})},
                            {"eps", 1e-8},
                            {"weight_decay", 0.0},
                            {"amsgrad", false},
                            {"maximize", false},
                            {"foreach", Value()},
                            {"capturable", false},
                            {"differentiable", false},
                            {"fused", false},
                            {"decoupled_weight_decay", false},
                            {"param_names", list({"0.weight", "0.bias", "1.weight", "1.bias"})},
                            {"params", list({0, 1, 2, 3})}});
  EXPECT_TRUE(equal(state["param_groups"], list({group}))) << to_string(state["param_groups"]);
  ASSERT_EQ(state["state"].size(), 4u);
  const Value& first = *state["state"].as_dict().find(Value(0));
  EXPECT_TRUE(equal(first["step"], Tensor::scalar(1.0F)));
  EXPECT_EQ(first["exp_avg"].as_tensor().shape(), (Shape{4, 3}));
  EXPECT_EQ(first.size(), 3u);
}

TEST(Optimizer, SharesItsTensors) {
  auto net = two_layers();
  torch::optim::SGD sgd(net->parameters(), torch::optim::SGDOptions(0.1).momentum(0.9));
  train_step(net, sgd, 1);
  const Value before = state_dict(sgd, *net);
  const Tensor& buffer = (*before["state"].as_dict().find(Value(0)))["momentum_buffer"].as_tensor();
  const Tensor copy = buffer.contiguous();
  train_step(net, sgd, 2);
  EXPECT_FALSE(equal(buffer, copy));
}

TEST(Optimizer, GoesOnWithTheSameNumbers) {
  for (const auto& [kind, make_optimizer] : every_kind()) {
    SCOPED_TRACE(kind);
    auto net = two_layers();
    const auto optimizer = make_optimizer(net->parameters());
    for (int step = 0; step < 3; ++step) train_step(net, *optimizer, step);
    const Value saved = copied(state_dict(*optimizer, *net));

    auto resumed_net = two_layers();
    load_state_dict(*resumed_net, state_dict(*net));
    const auto resumed = make_optimizer(resumed_net->parameters());
    load_state_dict(*resumed, *resumed_net, saved);
    EXPECT_TRUE(equal(state_dict(*resumed, *resumed_net), saved));
    for (int step = 3; step < 6; ++step) {
      train_step(net, *optimizer, step);
      train_step(resumed_net, *resumed, step);
    }
    EXPECT_TRUE(equal(Value(state_dict(*net)), Value(state_dict(*resumed_net))));
    EXPECT_TRUE(equal(state_dict(*optimizer, *net), state_dict(*resumed, *resumed_net)));
  }
}

TEST(Optimizer, RestoresTheOptionsOfEveryGroup) {
  auto net = two_layers();
  const auto groups = [&](double lr) {
    std::vector<torch::optim::OptimizerParamGroup> made;
    made.emplace_back(Parameters{net->parameters()[0], net->parameters()[1]},
                      std::make_unique<torch::optim::SGDOptions>(lr));
    made.emplace_back(Parameters{net->parameters()[2]},
                      std::make_unique<torch::optim::SGDOptions>(lr / 2));
    return made;
  };
  torch::optim::SGD first(groups(0.5), torch::optim::SGDOptions(0.1));
  torch::optim::SGD second(groups(0.1), torch::optim::SGDOptions(0.1));
  load_state_dict(second, *net, state_dict(first, *net));
  EXPECT_EQ(second.param_groups()[0].options().get_lr(), 0.5);
  EXPECT_EQ(second.param_groups()[1].options().get_lr(), 0.25);
}

TEST(Optimizer, MatchesByNameWhereTheFileHasNames) {
  auto net = two_layers();
  torch::optim::SGD sgd(net->parameters(), torch::optim::SGDOptions(0.1).momentum(0.9));
  train_step(net, sgd, 1);
  Parameters reversed = net->parameters();
  std::reverse(reversed.begin(), reversed.end());
  torch::optim::SGD other(reversed, torch::optim::SGDOptions(0.1).momentum(0.9));
  load_state_dict(other, *net, state_dict(sgd, *net));
  const Value state = state_dict(other, *net);
  EXPECT_EQ((*state["state"].as_dict().find(Value(0)))["momentum_buffer"].as_tensor().shape(),
            Shape{2});
  EXPECT_TRUE(equal(*state["state"].as_dict().find(Value(3)),
                    *state_dict(sgd, *net)["state"].as_dict().find(Value(0))));
}

TEST(Optimizer, MatchesByPositionOtherwise) {
  auto net = two_layers();
  torch::optim::SGD sgd(net->parameters(), torch::optim::SGDOptions(0.1).momentum(0.9));
  train_step(net, sgd, 1);
  const Value saved = copied(state_dict(sgd, *net));
  const Value unnamed = with_group(saved, without(saved["param_groups"][0], "param_names"));
  torch::optim::SGD other(net->parameters(), torch::optim::SGDOptions(0.1));
  load_state_dict(other, *net, unnamed);
  EXPECT_TRUE(equal(state_dict(other, *net), saved));
}

TEST(Optimizer, TakesTheStepsOfOldAndNewPython) {
  auto net = two_layers();
  for (const auto& [kind, make_optimizer] : every_kind()) {
    SCOPED_TRACE(kind);
    const auto optimizer = make_optimizer(net->parameters());
    train_step(net, *optimizer, 1);
    const Value saved = copied(state_dict(*optimizer, *net));
    for (const Value& step : {Value(7), Value(7.0), Value(Tensor::scalar(7.0F)),
                              Value(Tensor::of<std::int64_t>({7}, {1}))}) {
      for (const auto& [index, entry] : saved["state"].as_dict()) {
        if (entry.contains("step")) entry.as_dict().set("step", step);
      }
      load_state_dict(*optimizer, *net, saved);
      for (const auto& [index, entry] : state_dict(*optimizer, *net)["state"].as_dict()) {
        if (entry.contains("step")) {
          EXPECT_EQ(entry["step"].as_double(), 7.0);
        }
      }
    }
  }
}

TEST(Optimizer, TakesPythonsEmptyMomentum) {
  auto net = two_layers();
  torch::optim::SGD sgd(net->parameters(), torch::optim::SGDOptions(0.1));
  Value saved = copied(state_dict(sgd, *net));
  saved["state"].as_dict().set(0, dict({{"momentum_buffer", Value()}}));
  load_state_dict(sgd, *net, saved);
  EXPECT_TRUE(sgd.state().empty());
  train_step(net, sgd, 1);
}

TEST(Optimizer, ConvertsStateToTheTypeOfTheParameter) {
  auto net = two_layers();
  torch::optim::SGD sgd(net->parameters(), torch::optim::SGDOptions(0.1).momentum(0.9));
  Value saved = copied(state_dict(sgd, *net));
  saved["state"].as_dict().set(1,
                               dict({{"momentum_buffer", Tensor::of<double>({1, 2, 3, 4}, {4})}}));
  load_state_dict(sgd, *net, saved);
  const Value state = state_dict(sgd, *net);
  EXPECT_TRUE(equal((*state["state"].as_dict().find(Value(1)))["momentum_buffer"],
                    Tensor::of<float>({1, 2, 3, 4}, {4})));
}

TEST(Optimizer, AdagradStartsAtItsInitialValueWithoutState) {
  auto net = two_layers();
  torch::optim::Adagrad adagrad(net->parameters());
  train_step(net, adagrad, 1);
  Value group =
      with(state_dict(adagrad, *net)["param_groups"][0], "initial_accumulator_value", 3.0);
  load_state_dict(adagrad, *net, dict({{"state", dict({})}, {"param_groups", list({group})}}));
  const Value state = state_dict(adagrad, *net);
  EXPECT_EQ((*state["state"].as_dict().find(Value(1)))["sum"].as_tensor().item_as_double(), 3.0);
  train_step(net, adagrad, 2);
}

TEST(Optimizer, AFrozenParameterHasNoState) {
  auto net = two_layers();
  net->parameters()[0].set_requires_grad(false);
  torch::optim::Adam adam(net->parameters());
  train_step(net, adam, 1);
  const Value saved = copied(state_dict(adam, *net));
  EXPECT_EQ(saved["state"].size(), 3u);
  EXPECT_EQ(saved["state"].as_dict().find(Value(0)), nullptr);
  load_state_dict(adam, *net, saved);
  EXPECT_EQ(adam.state().size(), 3u);
}

TEST(Optimizer, RefusesOptimizersThatItDoesNotKnow) {
  auto net = two_layers();
  torch::optim::LBFGS lbfgs(net->parameters());
  EXPECT_ERROR(state_dict(lbfgs, *net), ErrorCode::unsupported,
               HasSubstr("SGD, Adam, AdamW, RMSprop, Adagrad"));
}

TEST(Optimizer, RefusesParametersOfAnotherModule) {
  auto net = two_layers();
  auto other = two_layers();
  torch::optim::SGD sgd(net->parameters(), torch::optim::SGDOptions(0.1));
  EXPECT_ERROR(state_dict(sgd, *other), ErrorCode::invalid_argument,
               HasSubstr("parameter 0 of the optimizer, of shape [4, 3]"));
  EXPECT_ERROR(load_state_dict(sgd, *other, state_dict(sgd, *net)), ErrorCode::invalid_argument,
               HasSubstr("parameter 0"));
}

// Each way in which a file may not fit; none of them may change the optimizer.
class BadOptimizerState : public ::testing::Test {
 protected:
  BadOptimizerState() : adam_(net_->parameters(), torch::optim::AdamOptions(0.01).amsgrad(true)) {
    train_step(net_, adam_, 1);
    saved_ = copied(state_dict(adam_, *net_));
    group_ = copied(saved_["param_groups"][0]);
  }

  // The state with one entry of the parameter `0.bias` replaced.
  Value with_entry(const std::string& key, const Value& value) const {
    const Value state = copied(saved_);
    state["state"].as_dict().find(Value(1))->as_dict().set(key, value);
    return state;
  }

  void expect_refused(const Value& state, ErrorCode code, const std::string& text) {
    EXPECT_ERROR(load_state_dict(adam_, *net_, state), code, HasSubstr(text));
    EXPECT_TRUE(equal(state_dict(adam_, *net_), saved_));
  }

  torch::nn::Sequential net_ = two_layers();
  torch::optim::Adam adam_;
  Value saved_;
  Value group_;
};

TEST_F(BadOptimizerState, NotAnOptimizersState) {
  expect_refused(Value(3), ErrorCode::mismatch, "not the state of an optimizer");
  expect_refused(dict({{"epoch", 1}, {"optimizer_state_dict", saved_}}), ErrorCode::mismatch,
                 "pass value[\"optimizer_state_dict\"]");
}

TEST_F(BadOptimizerState, AnotherClass) {
  torch::optim::RMSprop rmsprop(net_->parameters());
  expect_refused(state_dict(rmsprop, *net_), ErrorCode::mismatch,
                 "param_groups[0]: the options are not those of Adam (there is no 'betas'); it "
                 "looks like RMSprop");
  torch::optim::AdamW adamw(net_->parameters());
  expect_refused(state_dict(adamw, *net_), ErrorCode::mismatch,
                 "expected decoupled_weight_decay False, got True");
}

TEST_F(BadOptimizerState, AnotherNumberOfGroups) {
  expect_refused(dict({{"state", saved_["state"]}, {"param_groups", list({group_, group_})}}),
                 ErrorCode::mismatch, "another number of groups (expected 1, got 2)");
}

TEST_F(BadOptimizerState, OtherParameters) {
  expect_refused(with_group(saved_, with(group_, "param_names",
                                         list({"0.weight", "0.bias", "1.weight", "head.bias"}))),
                 ErrorCode::mismatch,
                 "(only in the optimizer: '1.bias'; only in the file: 'head.bias')");
  expect_refused(with_group(saved_, with(group_, "param_names", list({"0.weight"}))),
                 ErrorCode::corrupt, "1 names for 4 parameters");
  expect_refused(with_group(saved_, with(without(group_, "param_names"), "params", list({0, 1}))),
                 ErrorCode::mismatch, "another number of parameters (expected 4, got 2)");
  expect_refused(with_group(saved_, without(group_, "params")), ErrorCode::mismatch,
                 "there is no list 'params'");
  expect_refused(with_group(saved_, with(group_, "param_names", list({0, 1, 2, 3}))),
                 ErrorCode::mismatch, "param_groups[0]:");
}

TEST_F(BadOptimizerState, OptionsThatCannotBe) {
  expect_refused(with_group(saved_, with(group_, "lr", "fast")), ErrorCode::mismatch,
                 "param_groups[0].lr:");
  expect_refused(with_group(saved_, with(group_, "betas", tuple({0.9}))), ErrorCode::mismatch,
                 "param_groups[0].betas: expected two numbers");
  expect_refused(with_group(saved_, with(group_, "maximize", true)), ErrorCode::unsupported,
                 "can only minimise");
}

TEST_F(BadOptimizerState, StateThatDoesNotFit) {
  expect_refused(with_entry("exp_avg", Tensor::of<float>({1}, {1})), ErrorCode::mismatch,
                 "state of 0.bias: 'exp_avg' has another shape (expected [4], got [1])");
  expect_refused(with_entry("exp_avg", Tensor::of<std::int64_t>({1, 2, 3, 4}, {4})),
                 ErrorCode::mismatch, "another type (expected float32, got int64)");
  expect_refused(with_entry("exp_avg", Value(1)), ErrorCode::mismatch, "state of 0.bias:");
  expect_refused(with_entry("max_exp_avg_sq", Value()), ErrorCode::mismatch,
                 "there is no 'max_exp_avg_sq', which these options need");
  expect_refused(with_entry("step", -1), ErrorCode::mismatch, "'step' is no count");
  expect_refused(with_entry("step", 0.5), ErrorCode::mismatch, "'step' is no count");
  expect_refused(with_entry("step", Tensor::of<float>({1, 2}, {2})), ErrorCode::mismatch,
                 "'step' has the shape [2]");
}

}  // namespace optimizer_test
}  // namespace torchkeep
