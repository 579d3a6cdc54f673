#include <torchkeep/random_state.h>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace random_state_test {

using ::testing::HasSubstr;

TEST(RandomState, GoesOnWithTheSameNumbers) {
  at::manual_seed(5);
  at::randn({7});
  const Tensor state = random_state();
  EXPECT_EQ(state.dtype(), DType::uint8);
  EXPECT_EQ(state.shape(), Shape{5056});
  const at::Tensor expected = at::randn({9});
  at::randn({100});
  set_random_state(state);
  EXPECT_TRUE(at::randn({9}).equal(expected));
}

TEST(RandomState, IsACopyThatLaterDrawsDoNotChange) {
  at::manual_seed(5);
  const Tensor state = random_state();
  const Tensor copy = state.contiguous();
  at::randn({1000});
  EXPECT_TRUE(equal(state, copy));
}

TEST(RandomState, RefusesWhatIsNoStateAndChangesNothing) {
  at::manual_seed(5);
  const Tensor before = random_state();
  EXPECT_ERROR(set_random_state(Tensor::of<std::uint8_t>({1, 2}, {2})), ErrorCode::mismatch,
               HasSubstr("expected uint8 [5056], got uint8 [2]"));
  EXPECT_ERROR(set_random_state(Tensor(Storage::allocate(5056 * 4), DType::float32, {5056})),
               ErrorCode::mismatch, HasSubstr("got float32 [5056]"));
  EXPECT_ERROR(set_random_state(Tensor(Storage::allocate(5056), DType::uint8, {5056})),
               ErrorCode::mismatch, HasSubstr("not the state of a CPU generator"));
  EXPECT_TRUE(equal(random_state(), before));
}

}  // namespace random_state_test
}  // namespace torchkeep
