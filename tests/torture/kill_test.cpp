// A process that saves is killed at random moments, again and again in the same directory.
#include <chrono>
#include <cstdint>
#include <iostream>
#include <random>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/temporary_directory.h"
#include "torture/saving_history.h"

namespace torchkeep::torture {
namespace {

namespace fs = std::filesystem;

// Saves step after step and writes the number of each that is safe to `acknowledged`.
[[noreturn]] void save_until_killed(const fs::path& directory,
                                    std::int64_t step,
                                    int acknowledged) {
  try {
    CheckpointManager manager(directory, history_options());
    for (;; ++step) {
      save_step(manager, step);
      if (write(acknowledged, &step, sizeof step) != sizeof step) break;
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
  }
  _exit(1);
}

// The last step that the process said was safe, or `before`.
std::int64_t run_and_kill(const fs::path& directory,
                          std::int64_t first,
                          std::int64_t before,
                          std::chrono::microseconds delay) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) save_until_killed(directory, first, ends[1]);
  close(ends[1]);
  std::this_thread::sleep_for(delay);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the process ended by itself";
  std::int64_t acknowledged = before;
  while (read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
  }
  close(ends[0]);
  return acknowledged;
}

// Several saves fit in, and none as well.
std::chrono::microseconds longest_delay() {
  constexpr int kSaves = 4;
  const testing::TemporaryDirectory directory;
  const auto start = std::chrono::steady_clock::now();
  CheckpointManager manager(directory.path(), history_options());
  for (int step = 1; step <= kSaves; ++step) save_step(manager, step);
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                               start);
}

std::string stray_file(const fs::path& directory) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().filename().string().starts_with(".")) return entry.path().filename().string();
  }
  return "";
}

TEST(Kill, AtAnyMomentLosesNothingThatWasAcknowledged) {
  const testing::TemporaryDirectory directory;
  std::mt19937_64 random(7);
  std::uniform_int_distribution<std::int64_t> delay(0, longest_delay().count());
  const int kills = trials(150, 10'000);
  std::int64_t acknowledged = 0;
  std::int64_t left_behind = 0;
  for (int i = 0; i < kills; ++i) {
    const auto last = CheckpointManager(directory.path(), history_options()).last();
    acknowledged = run_and_kill(directory.path(), last ? last->step + 1 : 1, acknowledged,
                                std::chrono::microseconds(delay(random)));
    ASSERT_EQ(what_is_wrong(directory.path(), acknowledged), "") << "after kill " << i;
    left_behind += stray_file(directory.path()).empty() ? 0 : 1;
    const CheckpointManager next(directory.path(), history_options());
    ASSERT_EQ(stray_file(directory.path()), "") << "after kill " << i;
  }
  std::cout << "kills: " << kills << ", saves acknowledged: " << acknowledged
            << ", kills in the middle of a write: " << left_behind << "\n";
  EXPECT_GT(acknowledged, 0);
  EXPECT_GT(left_behind, 0);
}

}  // namespace
}  // namespace torchkeep::torture
