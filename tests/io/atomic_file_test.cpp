#include "io/atomic_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/expect_error.h"
#include "support/failing_file_operations.h"
#include "support/temporary_directory.h"

namespace torchkeep::io {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::FailingFileOperations;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

TEST(AtomicFile, ReplacesTheTargetOnCommitOnly) {
  const TemporaryDirectory directory;
  const fs::path target = directory / "model.pt";
  write_file(target, "old");
  {
    AtomicFile file(target);
    file.write("new ");
    file.write("content");
    EXPECT_EQ(file.position(), 11U);
    EXPECT_EQ(read_file(target), "old");
    file.commit();
  }
  EXPECT_EQ(read_file(target), "new content");
  EXPECT_EQ(testing::names_in(directory.path()).size(), 1U);
}

TEST(AtomicFile, LeavesNothingBehindWithoutCommit) {
  const TemporaryDirectory directory;
  { AtomicFile(directory / "model.pt").write("half"); }
  EXPECT_EQ(testing::names_in(directory.path()).size(), 0U);
}

TEST(AtomicFile, SyncsTheFileBeforeTheRenameAndTheDirectoryAfterIt) {
  const TemporaryDirectory directory;
  const FailingFileOperations operations;
  write_file(directory / "model.pt", "x", Durability::synced);
  EXPECT_THAT(operations.calls(),
              ElementsAre("open", "write", "sync", "close", "rename", "open", "sync", "close"));
}

TEST(AtomicFile, SyncsNothingWhereCachedIsEnough) {
  const TemporaryDirectory directory;
  const FailingFileOperations operations;
  write_file(directory / "model.pt", "x", Durability::cached);
  EXPECT_THAT(operations.calls(), ElementsAre("open", "write", "close", "rename"));
}

TEST(AtomicFile, KeepsTheOldFileWhereAnyOperationFails) {
  constexpr std::size_t kRename = 4;
  for (std::size_t call = 0; call < 8; ++call) {
    SCOPED_TRACE(call);
    const TemporaryDirectory directory;
    const fs::path target = directory / "model.pt";
    write_file(target, "old");
    {
      const FailingFileOperations operations(call, ENOSPC);
      if (call == 7) {  // closing the directory cannot lose anything
        write_file(target, "new");
      } else {
        EXPECT_ERROR(write_file(target, "new"), ErrorCode::io,
                     ::testing::AllOf(HasSubstr(target.string()), HasSubstr("no space left")));
      }
    }
    EXPECT_EQ(read_file(target), call <= kRename ? "old" : "new");
    EXPECT_EQ(testing::names_in(directory.path()).size(), 1U);
  }
}

TEST(AtomicFile, FinishesShortAndInterruptedWrites) {
  const TemporaryDirectory directory;
  std::string content(10'000, 'x');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>('a' + i % 26);
  FailingFileOperations operations;
  operations.set_short_writes(777);
  operations.set_interrupted_writes();
  write_file(directory / "model.pt", content);
  EXPECT_EQ(read_file(directory / "model.pt"), content);
}

TEST(AtomicFile, RefusesATargetThatCannotBeReplaced) {
  const TemporaryDirectory directory;
  EXPECT_ERROR(AtomicFile(directory / "missing" / "model.pt"), ErrorCode::invalid_argument,
               HasSubstr("does not exist"));
  EXPECT_ERROR(AtomicFile{directory.path()}, ErrorCode::invalid_argument,
               HasSubstr("is a directory"));
  EXPECT_ERROR(AtomicFile(directory / ""), ErrorCode::invalid_argument, HasSubstr("file name"));
  EXPECT_ERROR(AtomicFile("/dev/null"), ErrorCode::invalid_argument,
               HasSubstr("not a regular file"));
  EXPECT_EQ(testing::names_in(directory.path()).size(), 0U);
}

TEST(AtomicFile, KeepsASymbolicLinkAndItsPermissions) {
  const TemporaryDirectory directory;
  const fs::path real = directory / "real.pt";
  const fs::path link = directory / "link.pt";
  write_file(real, "old");
  fs::permissions(real, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("real.pt", link);
  write_file(link, "new");
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(read_file(real), "new");
  EXPECT_EQ(fs::status(real).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST(AtomicFile, FollowsALinkToWhatIsStillMissing) {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "runs");
  fs::create_symlink("runs/1.pt", directory / "middle.pt");
  fs::create_symlink(directory / "middle.pt", directory / "last.pt");
  write_file(directory / "last.pt", "new");
  EXPECT_TRUE(fs::is_symlink(directory / "last.pt"));
  EXPECT_TRUE(fs::is_symlink(directory / "middle.pt"));
  EXPECT_EQ(read_file(directory / "runs/1.pt"), "new");
}

TEST(AtomicFile, TakesTheLongestNameThereCanBe) {
  const TemporaryDirectory directory;
  const std::string name(255, 'n');
  write_file(directory / name, "x");
  EXPECT_EQ(read_file(directory / name), "x");
}

TEST(ReadFile, RefusesAFileThatIsTooLong) {
  const TemporaryDirectory directory;
  write_file(directory / "f", "12345");
  EXPECT_EQ(read_file(directory / "f", 5), "12345");
  EXPECT_ERROR(read_file(directory / "f", 4), ErrorCode::unsafe, HasSubstr("too long"));
}

TEST(AtomicFile, WhatAKilledProcessLeftIsRemoved) {
  const TemporaryDirectory directory;
  const pid_t child = fork();
  if (child == 0) {
    AtomicFile file(directory / "model.pt");
    file.write("half");
    _exit(0);  // without the destructor, as if killed
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  write_file(directory / ".notes.tmp", "not a temporary file of ours");
  AtomicFile mine(directory / "other.pt");
  ASSERT_EQ(testing::names_in(directory.path()).size(), 3U);
  remove_abandoned_files(directory.path());
  EXPECT_EQ(testing::names_in(directory.path()).size(), 2U);
  mine.commit();
  EXPECT_TRUE(fs::exists(directory / ".notes.tmp"));
  remove_abandoned_files(directory / "nowhere");
}

}  // namespace
}  // namespace torchkeep::io
