#include <cmath>

#include <torchkeep/error.h>
#include <torchkeep/loss.h>

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace loss_test {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const at::Tensor& outputs() {
  static const at::Tensor tensor = at::tensor({2.0F, 0.0F, 0.0F, 1.0F}).view({2, 2});
  return tensor;
}

at::Tensor labels() { return at::tensor({std::int64_t{0}, std::int64_t{0}}); }

double log_loss(double right, double wrong) { return std::log1p(std::exp(wrong - right)); }

TEST(CrossEntropy, IsTheMeanOverTheBatch) {
  const double expected = (log_loss(2, 0) + log_loss(0, 1)) / 2;
  EXPECT_NEAR(cross_entropy()(outputs(), labels()).item<double>(), expected, 1e-6);
}

TEST(CrossEntropy, SpreadsWeightOverAllClassesWhereAsked) {
  const double expected =
      0.9 * (log_loss(2, 0) + log_loss(0, 1)) / 2 + 0.1 * (log_loss(0, 2) + log_loss(1, 0)) / 2;
  const Loss loss = cross_entropy({.label_smoothing = 0.2});
  EXPECT_NEAR(loss(outputs(), labels()).item<double>(), expected, 1e-6);
}

TEST(CrossEntropy, WeighsClasses) {
  const Loss loss = cross_entropy({.class_weights = {1.0, 3.0}});
  const at::Tensor both = at::tensor({std::int64_t{0}, std::int64_t{1}});
  EXPECT_NEAR(loss(outputs(), both).item<double>(), (log_loss(2, 0) + 3 * log_loss(1, 0)) / 4,
              1e-6);
}

TEST(CrossEntropy, RefusesOptionsOutOfRange) {
  EXPECT_ERROR(cross_entropy({.label_smoothing = 1.5}), ErrorCode::invalid_argument,
               HasSubstr("label smoothing is 1.5"));
  EXPECT_ERROR(cross_entropy({.class_weights = {-1.0}}), ErrorCode::invalid_argument,
               HasSubstr("weight of a class is -1"));
}

TEST(BalancedClassWeights, MakeAllClassesCountTheSame) {
  const at::Tensor many = at::tensor({0, 0, 0, 1}).to(at::kLong);
  EXPECT_THAT(balanced_class_weights(many, 2), ElementsAre(DoubleNear(4.0 / 6.0, 1e-12), 2.0));
  EXPECT_ERROR(balanced_class_weights(many, 3), ErrorCode::invalid_argument,
               HasSubstr("class 2 has no images"));
}

}  // namespace loss_test
}  // namespace torchkeep
