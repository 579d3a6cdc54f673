// Checkpoints from within an epoch, and what is checked around every save.
#include <algorithm>
#include <set>
#include <string>

#include <torchkeep/checkpoint_manager.h>

#include <gtest/gtest.h>

#include "io/file_operations.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

const CheckpointManagerOptions kOptions{.filename = "{epoch}", .monitor = "loss"};

Value checkpoint_of(int epoch, int step) {
  return dict({{"epoch", epoch},
               {"global_step", step},
               {"weight", Tensor::of<float>(std::vector<float>(4096, 1.5F), {4096})}});
}

std::set<std::string> checkpoints_in(const fs::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() != ".json") names.insert(entry.path().filename().string());
  }
  return names;
}

TEST(IntermediateCheckpoint, GivesWayToTheNext) {
  const testing::TemporaryDirectory directory;
  CheckpointManager manager(directory.path(), kOptions);
  manager.save(checkpoint_of(0, 10), {{"loss", 0.5}});
  manager.save_intermediate(checkpoint_of(1, 13));
  EXPECT_THAT(checkpoints_in(directory.path()), UnorderedElementsAre("0.pt", "step_13.pt"));
  manager.save_intermediate(checkpoint_of(1, 16));
  EXPECT_THAT(checkpoints_in(directory.path()), UnorderedElementsAre("0.pt", "step_16.pt"));
  manager.save(checkpoint_of(1, 20), {{"loss", 0.6}});
  EXPECT_THAT(checkpoints_in(directory.path()), UnorderedElementsAre("0.pt", "1.pt"));
}

TEST(IntermediateCheckpoint, IsTheLastButNeverTheBest) {
  const testing::TemporaryDirectory directory;
  {
    CheckpointManager manager(directory.path(), kOptions);
    manager.save_intermediate(checkpoint_of(0, 5));
    EXPECT_FALSE(manager.best().has_value());
    manager.save(checkpoint_of(0, 10), {{"loss", 0.5}});
    manager.save_intermediate(checkpoint_of(1, 13));
    EXPECT_EQ(manager.best()->step, 10);
  }
  for (const bool with_index : {true, false}) {
    if (!with_index) fs::remove(directory / "checkpoints.json");
    EXPECT_EQ(best_checkpoint(directory.path())->step, 10);
    const FoundCheckpoint last = load_last_checkpoint(directory.path());
    EXPECT_EQ(last.info.step, 13);
    EXPECT_TRUE(last.info.intermediate);
  }
}

TEST(IntermediateCheckpoint, ALaterManagerDropsIt) {
  const testing::TemporaryDirectory directory;
  CheckpointManager(directory.path(), kOptions).save_intermediate(checkpoint_of(0, 5));
  CheckpointManager later(directory.path(), kOptions);
  later.save(checkpoint_of(0, 10), {{"loss", 0.5}});
  EXPECT_THAT(checkpoints_in(directory.path()), UnorderedElementsAre("0.pt"));
}

TEST(IntermediateCheckpoint, IsDueEverySoManySteps) {
  const testing::TemporaryDirectory directory;
  auto options = kOptions;
  EXPECT_FALSE(CheckpointManager(directory.path(), options).wants_step(100));
  options.every_n_steps = 50;
  const CheckpointManager manager(directory.path(), options);
  EXPECT_TRUE(manager.wants_step(100));
  EXPECT_FALSE(manager.wants_step(101));
  options.every_n_steps = -1;
  EXPECT_ERROR(CheckpointManager(directory.path(), options), ErrorCode::invalid_argument,
               HasSubstr("every_n_steps"));
}

// Little space, or a disk that gives back other bytes than it was given.
class BadDisk : public io::FileOperations {
 public:
  BadDisk() : replaced_(*this) {}

  std::uint64_t free = 1 << 30;
  bool flips_bits = false;

  std::uint64_t free_bytes(const char*) override { return free; }
  ssize_t write(int descriptor, const void* data, std::size_t size) override {
    constexpr std::size_t kLargeWrite = 4096;
    if (!flips_bits || size < kLargeWrite) return io::FileOperations::write(descriptor, data, size);
    std::string bytes(static_cast<const char*>(data), size);
    bytes[size / 2] = static_cast<char>(bytes[size / 2] ^ 1);
    return io::FileOperations::write(descriptor, bytes.data(), size);
  }

 private:
  io::ReplacedFileOperations replaced_;
};

TEST(CheckpointSave, TooLittleSpaceIsAnErrorBeforeAnythingIsWritten) {
  const testing::TemporaryDirectory directory;
  CheckpointManager manager(directory.path(), kOptions);
  manager.save(checkpoint_of(0, 10), {{"loss", 0.5}});
  {
    BadDisk disk;
    disk.free = 16'000;  // the tensor alone has 16,384 bytes
    EXPECT_ERROR(manager.save(checkpoint_of(1, 20), {{"loss", 0.4}}), ErrorCode::io,
                 HasSubstr("16000 are free"));
  }
  EXPECT_THAT(checkpoints_in(directory.path()), UnorderedElementsAre("0.pt"));
  EXPECT_EQ(manager.list().size(), 1U);
}

TEST(CheckpointSave, AFileThatReadsBackDifferentlyReplacesNothing) {
  const testing::TemporaryDirectory directory;
  CheckpointManager manager(directory.path(), kOptions);
  manager.save(checkpoint_of(0, 10), {{"loss", 0.5}});
  {
    BadDisk disk;
    disk.flips_bits = true;
    EXPECT_ERROR(manager.save(checkpoint_of(1, 20), {{"loss", 0.4}}), ErrorCode::corrupt,
                 HasSubstr("1.pt"));
  }
  EXPECT_THAT(checkpoints_in(directory.path()), UnorderedElementsAre("0.pt"));
  manager.save(checkpoint_of(2, 30), {{"loss", 0.3}});
  EXPECT_THAT(checkpoints_in(directory.path()), UnorderedElementsAre("2.pt"));
}

}  // namespace
}  // namespace torchkeep
