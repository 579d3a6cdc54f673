#include "train/first_difference.h"

#include <gtest/gtest.h>

namespace torchkeep {
namespace {

Value state(double rate, float element) {
  return dict({{"lr", rate},
               {"names", list({"a", "b"})},
               {"weight", Tensor::of<float>({1.0F, element, 3.0F}, {3})}});
}

TEST(FirstDifference, ThereIsNoneBetweenEquals) {
  const Comparison comparison = compare_leaves(state(0.1, 2.0F), state(0.1, 2.0F));
  EXPECT_EQ(comparison.difference, "");
  EXPECT_EQ(comparison.values, 4);
  EXPECT_EQ(comparison.bytes, 12);
}

TEST(FirstDifference, IsNamedWithBothValues) {
  EXPECT_EQ(compare_leaves(state(0.1, 2.0F), state(0.2, 2.5F)).difference, "lr: is 0.1 and 0.2");
  EXPECT_EQ(compare_leaves(state(0.1, 2.0F), state(0.1, 2.5F)).difference,
            "weight: element 1 is 2 and 2.5");
  EXPECT_EQ(compare_leaves(dict({{"a", 1}}), dict({{"b", 1}})).difference,
            "a stands where the other has b");
  EXPECT_EQ(compare_leaves(dict({{"a", 1}}), dict({{"a", 1}, {"b", 2}})).difference,
            "only one has b");
}

TEST(FirstDifference, LooksAtTheBits) {
  EXPECT_NE(compare_leaves(state(0.0, 2.0F), state(-0.0, 2.0F)).difference, "");
  EXPECT_NE(compare_leaves(state(0.1, 0.0F), state(0.1, -0.0F)).difference, "");
  EXPECT_NE(compare_leaves(dict({{"a", 1}}), dict({{"a", 1.0}})).difference, "");
}

}  // namespace
}  // namespace torchkeep
