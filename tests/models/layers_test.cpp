#include "models/layers.h"

#include <torchkeep/models.h>
#include <torchkeep/random_state.h>

#include <ATen/ops/rand.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/conv.h>
#include <torch/utils.h>

namespace torchkeep {
namespace {

TEST(Layers, HaveTheInitialValuesOfLibTorch) {
  torch::manual_seed(1);
  const auto conv = conv2d(torch::nn::Conv2dOptions(3, 4, 5));
  const auto dense = linear(6, 7);
  torch::manual_seed(1);
  EXPECT_TRUE(conv->weight.equal(torch::nn::Conv2d(3, 4, 5)->weight));
  EXPECT_TRUE(dense->weight.equal(torch::nn::Linear(6, 7)->weight));
}

TEST(Layers, AreOfTheirRealSizeWhereInitialisationIsSkipped) {
  const auto options = torch::nn::Conv2dOptions(6, 4, {3, 5}).groups(2).padding(2).stride(2);
  torch::nn::Conv2d conv{nullptr};
  torch::nn::Linear dense{nullptr};
  {
    const SkipInitialisation skip;
    conv = conv2d(options);
    dense = linear(6, 7);
  }
  torch::nn::Conv2d usual(options);
  EXPECT_EQ(conv->weight.sizes(), usual->weight.sizes());
  EXPECT_EQ(conv->bias.sizes(), usual->bias.sizes());
  EXPECT_TRUE(conv->weight.requires_grad());
  {
    const torch::NoGradGuard no_grad;
    conv->weight.copy_(usual->weight);
    conv->bias.copy_(usual->bias);
  }
  const at::Tensor x = at::rand({2, 6, 9, 9});
  EXPECT_TRUE(conv->forward(x).equal(usual->forward(x)));
  EXPECT_EQ(dense->forward(at::rand({2, 6})).sizes(), (std::vector<std::int64_t>{2, 7}));
}

TEST(Layers, SkippedInitialisationLeavesTheRandomStateAlone) {
  torch::manual_seed(5);
  const Tensor before = random_state();
  {
    const SkipInitialisation skip;
    linear(6, 7);
    torch::nn::Linear(3, 3);  // a layer of somebody else's draws
    EXPECT_FALSE(equal(random_state(), before));
  }
  EXPECT_TRUE(equal(random_state(), before));
  EXPECT_FALSE(SkipInitialisation::active());
}

}  // namespace
}  // namespace torchkeep
