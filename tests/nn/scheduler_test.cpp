#include <torchkeep/optimizer.h>
#include <torchkeep/scheduler.h>

#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace scheduler_test {

using ::testing::HasSubstr;

TEST(Scheduler, DrivesTheOptimizer) {
  const torch::nn::Linear net(2, 1);
  torch::optim::SGD optimizer(net->parameters(), torch::optim::SGDOptions(0.5));
  Scheduler scheduler(optimizer, StepLR{.step_size = 1, .gamma = 0.5});
  EXPECT_EQ(optimizer.param_groups()[0].options().get_lr(), 0.5);
  scheduler.step();
  EXPECT_EQ(optimizer.param_groups()[0].options().get_lr(), 0.25);
  EXPECT_EQ(state_dict(optimizer, *net)["param_groups"][0]["initial_lr"].as_double(), 0.5);
}

TEST(Scheduler, ACycleMovesTheFirstBeta) {
  const torch::nn::Linear net(2, 1);
  torch::optim::Adam optimizer(net->parameters(), torch::optim::AdamOptions(0.5));
  const Scheduler scheduler(optimizer, OneCycleLR{.max_lr = 1.0, .total_steps = 10});
  const auto& options =
      static_cast<const torch::optim::AdamOptions&>(optimizer.param_groups()[0].options());
  EXPECT_EQ(std::get<0>(options.betas()), 0.95);
  EXPECT_EQ(std::get<1>(options.betas()), 0.999);
  EXPECT_TRUE(scheduler.state_dict()["use_beta1"].as_bool());
}

TEST(Scheduler, WhatItNotesInTheGroupsOutlivesASecondLoad) {
  const torch::nn::Linear net(2, 1);
  torch::optim::SGD first(net->parameters(), torch::optim::SGDOptions(0.5).momentum(0.9));
  Scheduler scheduler(first, OneCycleLR{.max_lr = 1.0, .total_steps = 10});
  scheduler.step();
  const Value saved = state_dict(first, *net);
  torch::optim::SGD second(net->parameters(), torch::optim::SGDOptions(0.1));
  Scheduler resumed(second, OneCycleLR{.max_lr = 1.0, .total_steps = 10});
  load_state_dict(second, *net, saved);
  resumed.load_state_dict(scheduler.state_dict());
  EXPECT_TRUE(equal(state_dict(second, *net), saved));
  scheduler.step();
  resumed.step();
  EXPECT_TRUE(equal(state_dict(second, *net), state_dict(first, *net)));
}

TEST(Scheduler, RefusesToGoOnAtAnotherRate) {
  const torch::nn::Linear net(2, 1);
  torch::optim::SGD optimizer(net->parameters(), torch::optim::SGDOptions(0.5));
  Scheduler scheduler(optimizer, ExponentialLR{.gamma = 0.5});
  const Value at_the_start = scheduler.state_dict();
  scheduler.step();
  EXPECT_ERROR(scheduler.load_state_dict(at_the_start), ErrorCode::mismatch,
               HasSubstr("expected 0.5, got 0.25"));
  EXPECT_EQ(scheduler.progress().last_epoch(), 1);
}

}  // namespace scheduler_test
}  // namespace torchkeep
