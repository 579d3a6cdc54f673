#include <torchkeep/ema.h>
#include <torchkeep/error.h>
#include <torchkeep/freeze.h>
#include <torchkeep/match.h>
#include <torchkeep/module.h>

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>

#include "support/expect_error.h"
#include "train/training_fixture.h"

namespace torchkeep {
namespace ema_test {

using ::testing::HasSubstr;
using testing::small_net;

constexpr double kDecay = 0.75;

// Adds to every parameter and buffer of floats.
void add_to_all(torch::nn::Module& module, double number) {
  const at::NoGradGuard no_gradients;
  for (const at::Tensor& parameter : module.parameters()) parameter.add_(number);
  for (const at::Tensor& buffer : module.buffers()) {
    if (buffer.is_floating_point()) buffer.add_(number);
  }
}

TEST(Ema, AveragesParametersAndCopiesBuffers) {
  const Model model = small_net();
  Ema ema(*model, kDecay);
  const at::Tensor before = model->parameters()[0].detach().clone();
  add_to_all(*model, 1.0);
  ema.update();
  add_to_all(*model, 1.0);
  ema.update();
  const StateDict averages = ema.state_dict();
  // 0.75 * (0.75 * x + 0.25 * (x + 1)) + 0.25 * (x + 2)
  const double shift =
      averages.begin()->tensor.item_as_double(0) - before.flatten()[0].item<double>();
  EXPECT_NEAR(shift, 0.6875, 1e-6);
  const StateDict now = state_dict(*model);
  ASSERT_EQ(averages.size(), now.size());
  for (const auto& [name, tensor] : now) {
    if (name.ends_with("running_mean")) {
      EXPECT_TRUE(equal(averages[name], tensor)) << name;
    }
    if (name.ends_with("weight")) {
      EXPECT_FALSE(equal(averages[name], tensor)) << name;
    }
  }
}

TEST(Ema, WhatDoesNotChangeStaysToTheBit) {
  const Model model = small_net();
  Ema ema(*model, 0.999);
  for (int i = 0; i < 100; ++i) ema.update();
  EXPECT_TRUE(equal(Value(ema.state_dict()), Value(state_dict(*model))));
}

TEST(Ema, TheModelHoldsTheAveragesForAWhile) {
  const Model model = small_net();
  Ema ema(*model, kDecay);
  add_to_all(*model, 1.0);
  ema.update();
  const auto first = [&] { return model->parameters()[0].flatten()[0].item<double>(); };
  const double own = first();
  {
    const WithAverages averaged(ema);
    EXPECT_NEAR(first(), own - 0.75, 1e-6);
  }
  EXPECT_EQ(first(), own);
}

TEST(Ema, IsRestoredFromItsStateDict) {
  const Model model = small_net();
  Ema ema(*model, kDecay);
  add_to_all(*model, 1.0);
  ema.update();
  Ema other(*model, kDecay);
  const Value saved(ema.state_dict());
  other.load_state_dict(saved);
  EXPECT_TRUE(equal(Value(other.state_dict()), saved));
  other.restart();
  EXPECT_TRUE(equal(Value(other.state_dict()), Value(state_dict(*model))));
}

TEST(Ema, AnotherModelsAveragesAreRefused) {
  const Model model = small_net();
  Ema ema(*model, kDecay);
  EXPECT_THROW(ema.load_state_dict(Value(state_dict(*small_net(/*classes=*/5)))), MismatchError);
  EXPECT_ERROR(Ema(*model, 1.0), ErrorCode::invalid_argument, HasSubstr("decay"));
}

}  // namespace ema_test
}  // namespace torchkeep
