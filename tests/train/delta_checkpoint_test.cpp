// Checkpoints of a manager that store only what differs from a base.
#include <algorithm>
#include <filesystem>
#include <vector>

#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/cleaning.h>
#include <torchkeep/load.h>
#include <torchkeep/save.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t kBackbone = 2'000'000;

// A large backbone that stays and a small head that is trained.
Value checkpoint(int epoch) {
  const std::vector<float> backbone(kBackbone, 0.25F);
  return dict({{"epoch", epoch},
               {"model_state_dict",
                ordered_dict({{"features.weight", Tensor::of<float>(backbone, {kBackbone})},
                              {"classifier.weight",
                               Tensor::of<float>({1.0F, static_cast<float>(epoch)}, {2})}})}});
}

std::vector<int> epochs(const std::vector<CheckpointInfo>& checkpoints) {
  std::vector<int> result;
  for (const CheckpointInfo& info : checkpoints) result.push_back(info.epoch);
  return result;
}

class DeltaCheckpoints : public ::testing::Test {
 protected:
  CheckpointManagerOptions options(const fs::path& base) const {
    return {.filename = "{epoch}", .monitor = "loss", .delta_base = base};
  }

  testing::TemporaryDirectory directory_;
  fs::path run_ = directory_ / "run";
};

TEST_F(DeltaCheckpoints, CostWhatChanges) {
  const fs::path base = directory_ / "pretrained.pt";
  save(checkpoint(0)["model_state_dict"], base);
  CheckpointManager manager(run_, options(base));
  for (int epoch = 0; epoch < 3; ++epoch)
    manager.save(checkpoint(epoch), {{"loss", 1.0 / (epoch + 1)}});
  const CheckpointInfo last = *manager.last();
  EXPECT_LT(last.file_bytes, 10'000U);
  EXPECT_TRUE(fs::equivalent(last.base, base));
  EXPECT_TRUE(equal(load(last.path)["model_state_dict"], checkpoint(2)["model_state_dict"]));
  EXPECT_TRUE(equal(load_last_checkpoint(run_).value["model_state_dict"],
                    checkpoint(2)["model_state_dict"]));
}

TEST_F(DeltaCheckpoints, AreWrittenInTheBackgroundToo) {
  const fs::path base = directory_ / "pretrained.pt";
  save(checkpoint(0)["model_state_dict"], base);
  CheckpointManagerOptions background = options(base);
  background.saving = CheckpointManagerOptions::Saving::in_background;
  {
    CheckpointManager manager(run_, background);
    manager.save(checkpoint(5), {{"loss", 1.0}});
  }
  EXPECT_LT(fs::file_size(run_ / "5.pt"), 10'000U);
  EXPECT_TRUE(equal(load(run_ / "5.pt")["model_state_dict"], checkpoint(5)["model_state_dict"]));
}

// The base is a checkpoint of the run itself that no rule wants any more.
TEST_F(DeltaCheckpoints, ABaseThatIsNeededIsNeverDropped) {
  { CheckpointManager(run_, {.filename = "{epoch}"}).save(checkpoint(0), {{"loss", 9.0}}); }
  const fs::path base = run_ / "0.pt";
  for (const bool without_index : {false, true}) {
    if (without_index) fs::remove(run_ / "checkpoints.json");
    CheckpointManager manager(run_, options(base));
    for (int epoch = 1; epoch < 4; ++epoch)
      manager.save(checkpoint(epoch), {{"loss", (without_index ? 0.1 : 1.0) / epoch}});
    EXPECT_THAT(epochs(manager.list()), ElementsAre(0, 3));
    EXPECT_THAT(epochs(plan_cleaning(run_, {.best = 1}).kept), ElementsAre(0, 3));
    // Also by a manager that writes no deltas.
    CheckpointManager whole(run_, {.filename = "{epoch}", .monitor = "loss"});
    whole.save_intermediate(checkpoint(4));
    EXPECT_THAT(epochs(whole.list()), ElementsAre(0, 3, 4));
  }
  CheckpointManager whole(run_, {.filename = "{epoch}", .monitor = "loss"});
  whole.save(checkpoint(5), {{"loss", 0.0}});
  EXPECT_THAT(epochs(whole.list()), ElementsAre(5));
}

TEST_F(DeltaCheckpoints, ABaseThatIsNoneIsRefusedAtOnce) {
  EXPECT_ERROR(CheckpointManager(run_, options(directory_ / "nothing.pt")), ErrorCode::not_found,
               HasSubstr("nothing.pt"));
}

}  // namespace
}  // namespace torchkeep
