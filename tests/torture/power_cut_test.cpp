// The power fails at any moment of a series of saves.
#include "support/power_cut.h"

#include <fstream>
#include <iostream>
#include <vector>

#include <gtest/gtest.h>

#include "support/temporary_directory.h"
#include "torture/saving_history.h"

namespace torchkeep::torture {
namespace {

namespace fs = std::filesystem;
using testing::CrashCounts;
using testing::CrashState;
using testing::DiskOperation;
using testing::DiskTrace;

// Steps `first` to `last`, of which those before were made earlier and are safe.
DiskTrace record_saves(std::int64_t first, std::int64_t last) {
  const testing::TemporaryDirectory directory;
  CheckpointManager manager(directory.path(), history_options());
  for (std::int64_t step = 1; step < first; ++step) save_step(manager, step);
  testing::RecordingFileOperations operations(directory.path());
  if (first > 1) operations.acknowledge(first - 1);
  for (std::int64_t step = first; step <= last; ++step) {
    save_step(manager, step);
    operations.acknowledge(step);
  }
  return operations.trace();
}

void write_state(const CrashState& state, const fs::path& directory) {
  for (const auto& entry : fs::directory_iterator(directory)) fs::remove(entry.path());
  for (const auto& [name, content] : state.files) {
    std::ofstream(directory / name, std::ios::binary) << content;
  }
}

// The first thing that is wrong, if a power cut can make anything wrong.
struct Verdict {
  CrashCounts counts;
  std::string wrong;
};
Verdict cut_power(const DiskTrace& trace) {
  const testing::TemporaryDirectory directory;
  Verdict verdict;
  verdict.counts = testing::for_each_crash(trace, [&](const CrashState& state) {
    write_state(state, directory.path());
    verdict.wrong = what_is_wrong(directory.path(), state.acknowledged);
    return verdict.wrong.empty();
  });
  return verdict;
}

TEST(PowerCut, LeavesTheOldOrTheNewCheckpointAtAnyMoment) {
  CrashCounts all;
  const int histories = trials(2, 40);
  for (int i = 0; i < histories; ++i) {
    const std::int64_t first = 1 + 4 * i;
    const Verdict verdict = cut_power(record_saves(first, first + 3));
    EXPECT_EQ(verdict.wrong, "") << "saves from " << first;
    all.states += verdict.counts.states;
    all.distinct += verdict.counts.distinct;
  }
  std::cout << "power cuts: " << all.states << " ways, " << all.distinct << " different disks\n";
  EXPECT_GT(all.distinct, 40U);
}

TEST(PowerCut, IsNoticedIfAnySyncOrRenameIsLeftOut) {
  // Both kinds of checkpoint are written, and files are dropped.
  const DiskTrace trace = record_saves(5, 7);
  ASSERT_EQ(cut_power(trace).wrong, "");
  std::size_t left_out = 0;
  for (std::size_t i = 0; i < trace.operations.size(); ++i) {
    const auto kind = trace.operations[i].kind;
    if (kind != DiskOperation::Kind::sync_file && kind != DiskOperation::Kind::sync_directory &&
        kind != DiskOperation::Kind::rename) {
      continue;
    }
    ++left_out;
    EXPECT_NE(cut_power(testing::without_operation(trace, i)).wrong, "")
        << "operation " << i << " of the trace is of no use";
  }
  std::cout << "left out, one at a time: " << left_out << " syncs and renames\n";
  EXPECT_EQ(left_out, 3U * 6U);  // of a checkpoint and of the index: two syncs and a rename each
}

}  // namespace
}  // namespace torchkeep::torture
