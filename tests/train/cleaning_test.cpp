#include <chrono>
#include <set>

#include <torchkeep/cleaning.h>

#include <gtest/gtest.h>

#include "io/file_operations.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Value checkpoint_of(int epoch) { return dict({{"epoch", epoch}, {"global_step", 100 * epoch}}); }

class CleaningTest : public ::testing::Test {
 protected:
  // Epochs 0 to 5; the losses make 1, 4 and 0 the best.
  void SetUp() override {
    CheckpointManager manager(
        run_, {.filename = "{epoch}", .monitor = "loss", .save_top_k = std::nullopt});
    int epoch = 0;
    for (const double loss : {0.3, 0.1, 0.9, 0.8, 0.2, 0.7}) {
      const auto path = manager.save(checkpoint_of(epoch), {{"loss", loss}});
      fs::last_write_time(*path, start_ + std::chrono::minutes(10 * epoch));
      ++epoch;
    }
  }

  std::vector<int> kept(const RetentionPolicy& policy) const {
    std::vector<int> epochs;
    for (const auto& info : plan_cleaning(run_, policy).kept) epochs.push_back(info.epoch);
    return epochs;
  }

  testing::TemporaryDirectory directory_;
  fs::path run_ = directory_ / "run";
  // The start of an hour.
  fs::file_time_type start_ =
      fs::file_time_type::clock::from_sys(std::chrono::sys_seconds(std::chrono::days(20'000)));
};

TEST_F(CleaningTest, EachRuleKeepsWhatItWantsAndTheNewestStays) {
  EXPECT_THAT(kept({.best = 2}), ElementsAre(1, 4, 5));
  EXPECT_THAT(kept({.best = 2, .monitor = "loss", .mode = Mode::max}), ElementsAre(2, 3, 5));
  EXPECT_THAT(kept({.last = 3}), ElementsAre(3, 4, 5));
  EXPECT_THAT(kept({.every_n_epochs = 2}), ElementsAre(0, 2, 4, 5));
  EXPECT_THAT(kept({.every_n_steps = 300}), ElementsAre(0, 3, 5));
  EXPECT_THAT(kept({.every_n_minutes = 20}), ElementsAre(0, 2, 4, 5));
}

TEST_F(CleaningTest, RulesCombine) {
  EXPECT_THAT(kept({.best = 1, .last = 2, .every_n_epochs = 3}), ElementsAre(0, 1, 3, 4, 5));
}

TEST_F(CleaningTest, APlanChangesNothingUntilItIsCarriedOut) {
  const CleaningPlan plan = plan_cleaning(run_, {.best = 1});
  EXPECT_EQ(plan.dropped.size(), 4U);
  EXPECT_GT(plan.bytes, 0U);
  EXPECT_EQ(list_checkpoints(run_).size(), 6U);
  carry_out(plan);
  EXPECT_EQ(list_checkpoints(run_).size(), 2U);
  EXPECT_EQ(best_checkpoint(run_)->epoch, 1);
  EXPECT_TRUE(fs::exists(run_ / "5.pt"));
  EXPECT_FALSE(fs::exists(run_ / "4.pt"));
}

TEST_F(CleaningTest, TheTrashKeepsWhatWasDropped) {
  carry_out(plan_cleaning(run_, {.best = 1}), Deletion::move_to_trash);
  EXPECT_EQ(list_checkpoints(run_).size(), 2U);
  EXPECT_EQ(list_checkpoints(run_ / "trash").size(), 4U);
}

TEST_F(CleaningTest, WhatNoManagerWroteStays) {
  fs::copy_file(run_ / "2.pt", run_ / "mine.pt");
  carry_out(plan_cleaning(run_, {.best = 1}));
  EXPECT_TRUE(fs::exists(run_ / "mine.pt"));
}

TEST_F(CleaningTest, TheNewestStaysAlsoWhereItIsFromWithinAnEpoch) {
  CheckpointManager(run_, {.monitor = "loss", .save_top_k = std::nullopt})
      .save_intermediate(checkpoint_of(6));
  EXPECT_THAT(kept({.last = 1}), ElementsAre(5, 6));
}

TEST_F(CleaningTest, RulesThatMakeNoSenseAreRefused) {
  EXPECT_ERROR(plan_cleaning(run_, {}), ErrorCode::invalid_argument, HasSubstr("no rule"));
  EXPECT_ERROR(plan_cleaning(run_, {.last = 0}), ErrorCode::invalid_argument, HasSubstr("last"));
  EXPECT_ERROR(plan_cleaning(run_, {.best = 1, .monitor = "acc"}), ErrorCode::not_found,
               HasSubstr("no checkpoint has the metric \"acc\""));
  fs::create_directory(directory_ / "empty");
  EXPECT_THAT(plan_cleaning(directory_ / "empty", {.best = 1}).kept, IsEmpty());
}

}  // namespace
}  // namespace torchkeep
