#include "train/retention.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace torchkeep {
namespace {

using ::testing::ElementsAre;

// One checkpoint for each loss, oldest first.
std::vector<CheckpointInfo> with_losses(const std::vector<double>& losses) {
  std::vector<CheckpointInfo> checkpoints;
  for (const double loss : losses) {
    checkpoints.push_back({.epoch = static_cast<int>(checkpoints.size()),
                           .metrics = {{"loss", loss}},
                           .number = static_cast<std::int64_t>(checkpoints.size()) + 1});
  }
  return checkpoints;
}

TEST(Retention, TheBestComesFirst) {
  EXPECT_THAT(rank(with_losses({0.3, 0.1, 0.2}), "loss", Mode::min), ElementsAre(1, 2, 0));
  EXPECT_THAT(rank(with_losses({0.3, 0.1, 0.2}), "loss", Mode::max), ElementsAre(0, 2, 1));
}

TEST(Retention, OfEqualsTheFirstWins) {
  EXPECT_THAT(rank(with_losses({0.2, 0.1, 0.1, 0.1}), "loss", Mode::min), ElementsAre(1, 2, 3, 0));
}

TEST(Retention, NanAndAMissingMetricComeLast) {
  auto checkpoints = with_losses({NAN, 0.5, INFINITY, 0.1});
  checkpoints.push_back({.epoch = 4});
  EXPECT_THAT(rank(checkpoints, "loss", Mode::min), ElementsAre(3, 1, 2, 0, 4));
  EXPECT_THAT(rank(checkpoints, "loss", Mode::max), ElementsAre(2, 1, 3, 0, 4));
}

TEST(Retention, WithoutAMetricTheNewestIsTheBest) {
  EXPECT_THAT(rank(with_losses({0.1, 0.2, 0.3}), "", Mode::min), ElementsAre(2, 1, 0));
}

TEST(Retention, KeepsTheBestAndTheLast) {
  const auto checkpoints = with_losses({0.3, 0.1, 0.2, 0.4});
  EXPECT_THAT(worth_keeping(checkpoints, {.monitor = "loss", .save_top_k = 1}),
              ElementsAre(false, true, false, true));
  EXPECT_THAT(worth_keeping(checkpoints, {.monitor = "loss", .save_top_k = 2, .save_last = false}),
              ElementsAre(false, true, true, false));
  EXPECT_THAT(worth_keeping(checkpoints, {.monitor = "loss", .save_top_k = 0}),
              ElementsAre(false, false, false, true));
  EXPECT_THAT(worth_keeping(checkpoints, {.monitor = "loss", .save_top_k = 9}),
              ElementsAre(true, true, true, true));
  EXPECT_THAT(worth_keeping(checkpoints, {.monitor = "loss", .save_top_k = std::nullopt}),
              ElementsAre(true, true, true, true));
  EXPECT_THAT(worth_keeping({}, {}), ElementsAre());
}

TEST(Retention, RulesOfAPolicyAddToTheOptions) {
  const auto checkpoints = with_losses({0.3, 0.1, 0.2, 0.4, 0.5});
  EXPECT_THAT(worth_keeping(checkpoints, {.monitor = "loss", .retention = {.last = 2}}),
              ElementsAre(false, true, false, true, true));
  EXPECT_THAT(worth_keeping(checkpoints, {.monitor = "loss", .retention = {.every_n_epochs = 2}}),
              ElementsAre(true, true, true, false, true));
  EXPECT_THAT(worth_keeping(checkpoints, {.retention = {.best = 1, .monitor = "loss"}}),
              ElementsAre(false, true, false, false, true));
}

TEST(Retention, RulesLeaveIntermediateOnesOut) {
  auto checkpoints = with_losses({0.3, 0.1, 0.2});
  checkpoints[0].intermediate = true;
  checkpoints[2].intermediate = true;
  EXPECT_THAT(kept_by({.best = 9, .last = 9, .every_n_epochs = 1}, checkpoints, "loss", Mode::min),
              ElementsAre(false, true, false));
}

TEST(Retention, TheBestOfAListIsFound) {
  EXPECT_EQ(best_checkpoint(with_losses({0.3, 0.1, 0.1}), "loss", Mode::min)->epoch, 1);
  EXPECT_EQ(best_checkpoint(with_losses({NAN, NAN}), "loss", Mode::min)->epoch, 0);
  EXPECT_FALSE(best_checkpoint(std::vector<CheckpointInfo>{}, "loss", Mode::min).has_value());
}

}  // namespace
}  // namespace torchkeep
