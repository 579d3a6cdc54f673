#include <cmath>
#include <vector>

#include <torchkeep/early_stopping.h>

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// The epoch at which the sequence of losses stops the training; -1 if it does not.
int epoch_of_stop(EarlyStoppingOptions options, const std::vector<double>& losses) {
  EarlyStopping stopping(std::move(options));
  for (std::size_t epoch = 0; epoch < losses.size(); ++epoch) {
    if (stopping.check({{"val_loss", losses[epoch]}}, static_cast<int>(epoch)).stop) {
      return static_cast<int>(epoch);
    }
  }
  return -1;
}

TEST(EarlyStopping, StopsAfterAsManyChecksWithoutImprovementAsItHasPatience) {
  EXPECT_EQ(epoch_of_stop({.patience = 2}, {1.0, 0.9, 0.95, 0.9}), 3);
  EXPECT_EQ(epoch_of_stop({.patience = 3}, {1.0, 0.9, 0.95, 0.9}), -1);
  EXPECT_EQ(epoch_of_stop({.patience = 1}, {1.0, 1.0}), 1);
}

TEST(EarlyStopping, AnImprovementResetsThePatience) {
  EXPECT_EQ(epoch_of_stop({.patience = 2}, {1.0, 1.1, 0.9, 1.0, 0.8, 0.9, 0.9}), 6);
}

TEST(EarlyStopping, LargerIsBetterWithModeMax) {
  EXPECT_EQ(epoch_of_stop({.mode = Mode::max, .patience = 2}, {0.1, 0.2, 0.3, 0.2, 0.1}), 4);
}

TEST(EarlyStopping, AnImprovementMustExceedTheMinimum) {
  EXPECT_EQ(epoch_of_stop({.patience = 2, .min_delta = 0.25}, {1.0, 0.75, 0.75}), 2);
  EXPECT_EQ(epoch_of_stop({.patience = 2, .min_delta = 0.25}, {1.0, 0.5, 0.375, 0.0}), -1);
}

TEST(EarlyStopping, ARelativeMinimumGrowsWithTheBest) {
  const EarlyStoppingOptions options{
      .patience = 1, .min_delta = 0.5, .threshold_mode = ThresholdMode::relative};
  EXPECT_EQ(epoch_of_stop(options, {100.0, 60.0}), 1);
  EXPECT_EQ(epoch_of_stop(options, {100.0, 49.0, 24.0}), -1);
  EXPECT_EQ(epoch_of_stop(options, {-1.0, -2.0}), -1);
}

TEST(EarlyStopping, SmallImprovementsAddUpOnlyWhenCumulative) {
  const std::vector<double> slow{1.0, 0.8, 0.6, 0.4, 0.2};
  EXPECT_EQ(epoch_of_stop({.patience = 2, .min_delta = 0.3, .cumulative = false}, slow), 2);
  EXPECT_EQ(epoch_of_stop({.patience = 2, .min_delta = 0.3, .cumulative = true}, slow), -1);
}

TEST(EarlyStopping, ConsecutiveIncreaseStopsWhenTheErrorHasGrownThatOftenInARow) {
  const EarlyStoppingOptions options{.criterion = StopCriterion::consecutive_increase,
                                     .patience = 3};
  EXPECT_EQ(epoch_of_stop(options, {1.0, 1.1, 1.2, 1.3}), 3);
  EXPECT_EQ(epoch_of_stop(options, {1.0, 1.1, 1.2, 1.15, 1.2, 1.3, 1.25}), -1);
  EXPECT_EQ(epoch_of_stop(options, {1.0, 1.1, 1.2, 1.2, 1.3, 1.4, 1.5}), 6);
}

TEST(EarlyStopping, ConsecutiveIncreaseDoesNotMindAPlateauAboveTheBest) {
  EXPECT_EQ(epoch_of_stop({.criterion = StopCriterion::consecutive_increase, .patience = 2},
                          {0.1, 0.5, 0.4, 0.4, 0.4, 0.4, 0.4}),
            -1);
}

TEST(EarlyStopping, ConsecutiveIncreaseCountsOnlyWhatExceedsTheMinimum) {
  EXPECT_EQ(
      epoch_of_stop(
          {.criterion = StopCriterion::consecutive_increase, .patience = 2, .min_delta = 0.25},
          {1.0, 1.25, 1.5, 1.875, 2.25}),
      4);
}

TEST(EarlyStopping, ConsecutiveIncreaseMeansDecreaseWithModeMax) {
  EXPECT_EQ(
      epoch_of_stop(
          {.mode = Mode::max, .criterion = StopCriterion::consecutive_increase, .patience = 2},
          {0.1, 0.5, 0.4, 0.3}),
      3);
}

TEST(EarlyStopping, NanAndInfinityStopAtOnce) {
  for (const double bad : {NAN, INFINITY, -INFINITY}) {
    EarlyStopping stopping;
    const StopDecision decision = stopping.check({{"val_loss", bad}}, 4);
    EXPECT_TRUE(decision.stop);
    EXPECT_EQ(decision.reason, StopReason::non_finite_metric);
    EXPECT_THAT(decision.message, AllOf(HasSubstr("val_loss"), HasSubstr("epoch 4")));
  }
}

TEST(EarlyStopping, NanCountsAsNoImprovementWhereFinitenessIsNotChecked) {
  EXPECT_EQ(epoch_of_stop({.patience = 2, .check_finite = false}, {1.0, NAN, NAN}), 2);
  EXPECT_EQ(epoch_of_stop({.patience = 2, .check_finite = false}, {NAN, 1.0, 0.9}), -1);
  EXPECT_EQ(
      epoch_of_stop(
          {.criterion = StopCriterion::consecutive_increase, .patience = 2, .check_finite = false},
          {1.0, 1.1, NAN}),
      2);
}

TEST(EarlyStopping, TheStoppingThresholdIsGoodEnough) {
  EarlyStopping stopping({.stopping_threshold = 0.1});
  EXPECT_FALSE(stopping.check({{"val_loss", 0.1}}, 0).stop);
  const StopDecision decision = stopping.check({{"val_loss", 0.05}}, 1);
  EXPECT_EQ(decision.reason, StopReason::stopping_threshold);
  EXPECT_EQ(decision.message, "val_loss is 0.05, better than the stopping threshold 0.1");
}

TEST(EarlyStopping, TheDivergenceThresholdIsHopeless) {
  EarlyStopping stopping({.divergence_threshold = 10.0});
  EXPECT_FALSE(stopping.check({{"val_loss", 10.0}}, 0).stop);
  EXPECT_EQ(stopping.check({{"val_loss", 11.0}}, 1).reason, StopReason::divergence_threshold);
}

TEST(EarlyStopping, TheBaselineMustBeBeaten) {
  EXPECT_EQ(epoch_of_stop({.patience = 2, .baseline = 0.5}, {1.0, 0.6}), 1);
  EXPECT_EQ(epoch_of_stop({.patience = 2, .baseline = 0.5}, {1.0, 0.4}), -1);
}

TEST(EarlyStopping, ChecksBeforeTheFirstEpochToCountDoNotCount) {
  EarlyStopping stopping({.patience = 1, .start_from_epoch = 2});
  EXPECT_FALSE(stopping.check({{"val_loss", 0.1}}, 0).stop);
  EXPECT_FALSE(stopping.check({{"val_loss", 0.9}}, 1).stop);
  EXPECT_EQ(stopping.best(), std::nullopt);
  EXPECT_FALSE(stopping.check({{"val_loss", 0.9}}, 2).stop);
  EXPECT_TRUE(stopping.check({{"val_loss", 0.9}}, 3).stop);
}

TEST(EarlyStopping, RemembersTheBestAndItsEpoch) {
  EarlyStopping stopping({.min_delta = 0.5});
  stopping.check({{"val_loss", 1.0}}, 0);
  stopping.check({{"val_loss", 0.9}}, 1);
  stopping.check({{"val_loss", 0.95}}, 2);
  EXPECT_EQ(stopping.best(), 0.9);
  EXPECT_EQ(stopping.best_epoch(), 1);
}

TEST(EarlyStopping, SaysWhyWithTheNumbers) {
  EarlyStopping stopping({.patience = 2});
  stopping.check({{"val_loss", 0.25}}, 0);
  EXPECT_EQ(stopping.check({{"val_loss", 0.5}}, 1).message,
            "val_loss is 0.5 and has not improved for 1 of 2 checks (best 0.25 in epoch 0)");
  const StopDecision decision = stopping.check({{"val_loss", 0.75}}, 2);
  EXPECT_EQ(decision.reason, StopReason::patience_exhausted);
  EXPECT_EQ(decision.message,
            "val_loss is 0.75 and has not improved for 2 of 2 checks (best 0.25 in epoch 0)");
}

TEST(EarlyStopping, AMissingMetricIsAnErrorUnlessItIsNotStrict) {
  EarlyStopping strict;
  EXPECT_ERROR(strict.check({{"train_loss", 1.0}}, 0), ErrorCode::not_found,
               HasSubstr("train_loss"));
  EarlyStopping tolerant({.patience = 1, .strict = false});
  tolerant.check({{"val_loss", 1.0}}, 0);
  EXPECT_FALSE(tolerant.check({{"train_loss", 1.0}}, 1).stop);
  EXPECT_EQ(tolerant.bad_checks(), 0);
}

TEST(EarlyStopping, RefusesOptionsWithoutSense) {
  EXPECT_ERROR(EarlyStopping({.monitor = ""}), ErrorCode::invalid_argument, HasSubstr("monitor"));
  EXPECT_ERROR(EarlyStopping({.patience = 0}), ErrorCode::invalid_argument, HasSubstr("patience"));
  EXPECT_ERROR(EarlyStopping({.min_delta = -0.1}), ErrorCode::invalid_argument,
               HasSubstr("min_delta"));
  EXPECT_ERROR(EarlyStopping({.min_delta = NAN}), ErrorCode::invalid_argument,
               HasSubstr("min_delta"));
}

TEST(EarlyStopping, GoesOnAfterASavedStateAsIfNothingHadHappened) {
  const std::vector<double> losses{1.0, 0.8, 0.9, 0.85, 0.7, 0.75, 0.72, 0.71, 0.9};
  for (const StopCriterion criterion :
       {StopCriterion::no_improvement, StopCriterion::consecutive_increase}) {
    for (const bool cumulative : {false, true}) {
      const EarlyStoppingOptions options{
          .criterion = criterion, .patience = 3, .min_delta = 0.08, .cumulative = cumulative};
      EarlyStopping straight(options);
      for (std::size_t i = 0; i < losses.size(); ++i) {
        const Metrics metrics{{"val_loss", losses[i]}};
        EarlyStopping resumed(options);
        resumed.load_state_dict(straight.state_dict());
        const StopDecision expected = straight.check(metrics, static_cast<int>(i));
        const StopDecision found = resumed.check(metrics, static_cast<int>(i));
        EXPECT_EQ(found.reason, expected.reason);
        EXPECT_EQ(found.message, expected.message);
        EXPECT_TRUE(equal(resumed.state_dict(), straight.state_dict()));
      }
    }
  }
}

TEST(EarlyStopping, ASavedStateKeepsTheDecision) {
  EarlyStopping stopping({.patience = 1});
  stopping.check({{"val_loss", 1.0}}, 0);
  stopping.check({{"val_loss", 2.0}}, 1);
  EarlyStopping resumed({.patience = 1});
  EXPECT_FALSE(resumed.decision().stop);
  resumed.load_state_dict(stopping.state_dict());
  EXPECT_TRUE(resumed.decision().stop);
  EXPECT_EQ(resumed.decision().reason, StopReason::patience_exhausted);
  EXPECT_EQ(resumed.decision().message, stopping.decision().message);
}

TEST(EarlyStopping, RefusesTheStateOfAnotherMetricModeOrCriterion) {
  const Value state = EarlyStopping().state_dict();
  EarlyStopping other_monitor({.monitor = "val_acc"});
  EXPECT_ERROR(other_monitor.load_state_dict(state), ErrorCode::mismatch,
               AllOf(HasSubstr("val_acc"), HasSubstr("val_loss")));
  EarlyStopping other_mode({.mode = Mode::max});
  EXPECT_ERROR(other_mode.load_state_dict(state), ErrorCode::mismatch, HasSubstr("mode"));
  EarlyStopping other_criterion({.criterion = StopCriterion::consecutive_increase});
  EXPECT_ERROR(other_criterion.load_state_dict(state), ErrorCode::mismatch, HasSubstr("criterion"));
}

TEST(EarlyStopping, ADamagedStateChangesNothing) {
  EarlyStopping stopping;
  stopping.check({{"val_loss", 1.0}}, 0);
  const Value before = stopping.state_dict();
  Value damaged = EarlyStopping().state_dict();
  damaged.as_dict().set("reason", "boredom");
  EXPECT_ERROR(stopping.load_state_dict(damaged), ErrorCode::corrupt, HasSubstr("boredom"));
  damaged.as_dict().erase("bad_checks");
  EXPECT_ERROR(stopping.load_state_dict(damaged), ErrorCode::not_found, HasSubstr("bad_checks"));
  EXPECT_TRUE(equal(stopping.state_dict(), before));
}

TEST(EarlyStopping, GoesOnAfterAStopWithNewPatience) {
  EarlyStopping stopping({.monitor = "loss", .patience = 2});
  for (const double loss : {0.5, 0.6, 0.7}) stopping.check({{"loss", loss}}, 0);
  EXPECT_TRUE(stopping.decision().stop);
  stopping.rearm();
  EXPECT_FALSE(stopping.decision().stop);
  EXPECT_EQ(stopping.best(), 0.5);
  EXPECT_FALSE(stopping.check({{"loss", 0.6}}, 3).stop);
  EXPECT_TRUE(stopping.check({{"loss", 0.6}}, 4).stop);
}

}  // namespace
}  // namespace torchkeep
