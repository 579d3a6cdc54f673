#include <cmath>

#include <torchkeep/metrics.h>

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::HasSubstr;
using ::testing::StrEq;

TEST(Metrics, BetterMeansSmallerOrLarger) {
  EXPECT_TRUE(is_better(1.0, 2.0, Mode::min));
  EXPECT_FALSE(is_better(2.0, 1.0, Mode::min));
  EXPECT_TRUE(is_better(2.0, 1.0, Mode::max));
  EXPECT_FALSE(is_better(1.0, 2.0, Mode::max));
}

TEST(Metrics, EqualIsNotBetter) {
  EXPECT_FALSE(is_better(1.0, 1.0, Mode::min));
  EXPECT_FALSE(is_better(1.0, 1.0, Mode::max));
}

TEST(Metrics, NanIsWorseThanEverything) {
  for (const Mode mode : {Mode::min, Mode::max}) {
    EXPECT_FALSE(is_better(NAN, 1.0, mode));
    EXPECT_TRUE(is_better(1.0, NAN, mode));
    EXPECT_TRUE(is_better(mode == Mode::min ? INFINITY : -INFINITY, NAN, mode));
    EXPECT_FALSE(is_better(NAN, NAN, mode));
  }
}

TEST(Metrics, ModesHaveNames) {
  EXPECT_EQ(mode_from_name(name(Mode::min)), Mode::min);
  EXPECT_EQ(mode_from_name(name(Mode::max)), Mode::max);
  EXPECT_EQ(mode_from_name("auto"), std::nullopt);
}

TEST(Metrics, AMissingMetricIsAnErrorThatListsWhatThereIs) {
  const Metrics metrics{{"val_acc", 0.9}, {"val_loss", 0.5}};
  EXPECT_EQ(metric(metrics, "val_loss"), 0.5);
  EXPECT_ERROR(metric(metrics, "val_los"), ErrorCode::not_found,
               StrEq("no metric \"val_los\" (there are val_acc, val_loss); "
                     "did you mean \"val_loss\"?"));
  EXPECT_ERROR(metric({}, "val_loss"), ErrorCode::not_found, HasSubstr("there are none"));
}

}  // namespace
}  // namespace torchkeep
