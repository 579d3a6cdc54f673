#include <vector>

#include <torchkeep/caching_allocator.h>

#include <ATen/Functions.h>
#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/pooling.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

namespace torchkeep {
namespace caching_allocator_test {

// Installs the allocator for the length of a test.
class Installed {
 public:
  Installed() : before_(c10::GetCPUAllocator()) { install_caching_allocator(); }
  ~Installed() {
    c10::SetCPUAllocator(before_);
    release_cached_memory();
  }

 private:
  c10::Allocator* before_;
};

std::vector<double> losses_of_a_training() {
  namespace nn = torch::nn;
  torch::manual_seed(3);
  nn::Sequential net(nn::Conv2d(nn::Conv2dOptions(3, 16, 3).padding(1)), nn::MaxPool2d(2),
                     nn::Conv2d(nn::Conv2dOptions(16, 32, 3)));
  torch::optim::SGD optimizer(net->parameters(), torch::optim::SGDOptions(0.1).momentum(0.9));
  std::vector<double> losses;
  for (int step = 0; step < 4; ++step) {
    optimizer.zero_grad();
    const at::Tensor loss = net->forward(at::randn({8, 3, 40, 40})).square().mean();
    loss.backward();
    optimizer.step();
    losses.push_back(loss.item<double>());
  }
  return losses;
}

TEST(CachingAllocator, LeavesTheLossEqualInEveryDigit) {
  const std::vector<double> before = losses_of_a_training();
  const Installed installed;
  const auto unused = caching_allocator_statistics().reused;
  EXPECT_EQ(losses_of_a_training(), before);
  EXPECT_GT(caching_allocator_statistics().reused, unused + 20);
}

TEST(CachingAllocator, UsesTheMemoryOfTensorsAgain) {
  const Installed installed;
  const void* memory = at::empty({1 << 20}).data_ptr();
  const auto before = caching_allocator_statistics();
  EXPECT_EQ(at::empty({1 << 20}).data_ptr(), memory);
  EXPECT_EQ(caching_allocator_statistics().reused, before.reused + 1);
  EXPECT_EQ(caching_allocator_statistics().from_system, before.from_system);
}

TEST(CachingAllocator, LeavesTensorsOfBeforeAndAfterToTheirOwnAllocators) {
  at::Tensor before = at::ones({1 << 20});
  at::Tensor meanwhile;
  {
    const Installed installed;
    const auto used = caching_allocator_statistics().used_bytes;
    meanwhile = at::ones({1 << 20});
    before = at::Tensor();
    EXPECT_EQ(caching_allocator_statistics().used_bytes, used + (4 << 20));
  }
  EXPECT_EQ(meanwhile.sum().item<double>(), 1 << 20);
  const auto used = caching_allocator_statistics().used_bytes;
  meanwhile = at::Tensor();
  EXPECT_EQ(caching_allocator_statistics().used_bytes, used - (4 << 20));
}

TEST(CachingAllocator, PassesSmallTensorsOn) {
  const Installed installed;
  const auto before = caching_allocator_statistics();
  const at::Tensor small = at::empty({100});
  EXPECT_EQ(caching_allocator_statistics().used_bytes, before.used_bytes);
  c10::Allocator* const allocator = c10::GetCPUAllocator();
  allocator->raw_deallocate(allocator->raw_allocate(10));
  allocator->raw_deallocate(allocator->raw_allocate(1 << 20));
  EXPECT_EQ(caching_allocator_statistics().used_bytes, before.used_bytes);
}

}  // namespace caching_allocator_test
}  // namespace torchkeep
