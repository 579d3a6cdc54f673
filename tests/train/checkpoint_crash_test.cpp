// What a directory of checkpoints looks like after a failure or a crash in the middle of a save.
#include <set>

#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/load.h>

#include <gtest/gtest.h>

#include "support/crashing_file_operations.h"
#include "support/failing_file_operations.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;

const CheckpointManagerOptions kOptions{.filename = "{epoch}", .monitor = "loss"};

void save(CheckpointManager& manager, int epoch, double loss) {
  manager.save(dict({{"epoch", epoch}, {"weight", Tensor::scalar<float>(float(epoch))}}),
               {{"loss", loss}});
}

// Epoch 0 is the best, epoch 1 the last; saving epoch 2, a new best, drops both.
void prepare(const fs::path& directory) {
  CheckpointManager manager(directory, kOptions);
  save(manager, 0, 0.5);
  save(manager, 1, 0.6);
}

std::set<int> epochs_that_load(const fs::path& directory) {
  std::set<int> epochs;
  for (const CheckpointInfo& info : list_checkpoints(directory)) {
    EXPECT_EQ(load(info.path)["epoch"].as_int(), info.epoch);
    EXPECT_EQ(load(info.path)["weight"].as_double(), info.epoch);
    epochs.insert(info.epoch);
  }
  return epochs;
}

std::set<std::string> checkpoint_files(const fs::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() == ".pt") names.insert(entry.path().filename().string());
  }
  return names;
}

// Either the old best and last are there, or the new one is.
void expect_nothing_lost(const fs::path& directory) {
  const std::set<int> epochs = epochs_that_load(directory);
  EXPECT_TRUE(epochs.contains(2) || (epochs.contains(0) && epochs.contains(1)));
  EXPECT_EQ(best_checkpoint(directory)->epoch, epochs.contains(2) ? 2 : 0);
  EXPECT_EQ(load_last_checkpoint(directory).info.epoch, *epochs.rbegin());
}

// A later manager clears up: it ends with what it would have without the crash.
void expect_recovery(const fs::path& directory) {
  CheckpointManager manager(directory, kOptions);
  save(manager, 3, 0.1);
  EXPECT_EQ(checkpoint_files(directory), std::set<std::string>{"3.pt"});
}

TEST(CheckpointCrash, AtAnyMomentLosesNothing) {
  std::size_t crashes = 0;
  for (std::size_t calls = 0;; ++calls) {
    SCOPED_TRACE(calls);
    const testing::TemporaryDirectory directory;
    prepare(directory.path());
    {
      CheckpointManager manager(directory.path(), kOptions);
      const testing::CrashingFileOperations operations(calls);
      try {
        save(manager, 2, 0.4);
      } catch (const Error&) {
      }
      if (!operations.crashed()) break;
      ++crashes;
    }
    expect_nothing_lost(directory.path());
    fs::remove(directory / "checkpoints.json");
    expect_nothing_lost(directory.path());
    expect_recovery(directory.path());
  }
  EXPECT_GT(crashes, 10U);
}

TEST(CheckpointCrash, AFullDiskLosesNothingAndTheManagerGoesOn) {
  std::size_t failures = 0;
  for (std::size_t call = 0;; ++call) {
    SCOPED_TRACE(call);
    const testing::TemporaryDirectory directory;
    prepare(directory.path());
    CheckpointManager manager(directory.path(), kOptions);
    std::size_t calls = 0;
    {
      const testing::FailingFileOperations operations(call);
      try {
        save(manager, 2, 0.4);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::io);
        ++failures;
      }
      calls = operations.calls().size();
    }
    if (call >= calls) break;
    expect_nothing_lost(directory.path());
    for (const CheckpointInfo& info : manager.list()) EXPECT_TRUE(fs::exists(info.path));
    save(manager, 3, 0.3);
    EXPECT_EQ(manager.best()->epoch, 3);
    EXPECT_EQ(manager.list().size(), 1U);
    EXPECT_EQ(best_checkpoint(directory.path())->epoch, 3);
  }
  EXPECT_GT(failures, 10U);
}

}  // namespace
}  // namespace torchkeep
