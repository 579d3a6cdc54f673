// Real trainings that are killed at random moments and resumed until they are done.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/temporary_directory.h"
#include "support/test_file.h"
#include "torture/saving_history.h"
#include "vision/idx_files.h"

namespace torchkeep::torture {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Arguments = std::vector<std::string>;

// In `place`, so that equal trainings have equal command lines.
pid_t start(const fs::path& place, const Arguments& arguments) {
  const pid_t child = fork();
  if (child != 0) return child;
  if (chdir(place.c_str()) != 0) _exit(127);
  const int nowhere = open("/dev/null", O_WRONLY);
  dup2(nowhere, STDOUT_FILENO);
  dup2(nowhere, STDERR_FILENO);
  std::vector<char*> texts{const_cast<char*>(TORCHKEEP_PROGRAM)};
  for (const std::string& argument : arguments)
    texts.push_back(const_cast<char*>(argument.c_str()));
  texts.push_back(nullptr);
  execv(TORCHKEEP_PROGRAM, texts.data());
  _exit(127);
}

// The exit status, or nothing if it was killed.
std::optional<int> finish(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return std::nullopt;
  return WEXITSTATUS(status);
}

// The checkpoint or log of run `a` that run `b` has not; empty if there is none. Run `b` may have
// more, and note it in its index: files that a training went on from are kept.
std::string different_file(const fs::path& a, const fs::path& b) {
  for (const auto& entry : fs::directory_iterator(a)) {
    const std::string name = entry.path().filename().string();
    if (name == "checkpoints.json") continue;
    if (testing::file_content(entry.path()) != testing::file_content(b / name)) return name;
  }
  return "";
}

class TrainingKill : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_dataset(data_, {.classes = 2, .train_per_class = 20});
    fs::create_directory(straight_);
    fs::create_directory(killed_);
  }

  Arguments train() const {
    Arguments arguments{"train",
                        "--data",
                        "idx:" + data_.string(),
                        "--epochs",
                        "12",
                        "--batch-size",
                        "8",
                        "--seed",
                        "5",
                        "--threads",
                        "1",
                        "--save-every-n-steps",
                        "2",
                        "--save-top-k",
                        "3",
                        "--scheduler",
                        "one-cycle",
                        "--schedule-each",
                        "step",
                        "--output",
                        "run"};
    arguments.insert(arguments.end(), more_.begin(), more_.end());
    return arguments;
  }

  void expect_the_files_of_the_uninterrupted_run(int wanted) const;

  testing::TemporaryDirectory directory_;
  Arguments more_;
  fs::path data_ = directory_ / "data";
  fs::path straight_ = directory_ / "straight";
  fs::path killed_ = directory_ / "killed";
};

void TrainingKill::expect_the_files_of_the_uninterrupted_run(int wanted) const {
  const auto begin = Clock::now();
  ASSERT_EQ(finish(start(straight_, train())), 0);
  const auto straight = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
  std::mt19937_64 random(11);
  std::uniform_int_distribution<std::int64_t> delay(straight.count() / 10, straight.count());
  int kills = 0;
  int runs = 0;
  while (kills < wanted) {
    ++runs;
    fs::remove_all(killed_ / "run");
    for (bool done = false; !done;) {
      const bool begun = fs::exists(killed_ / "run") && !list_checkpoints(killed_ / "run").empty();
      const pid_t child = start(killed_, begun ? Arguments{"resume", "run"} : train());
      std::this_thread::sleep_for(std::chrono::milliseconds(delay(random)));
      kill(child, SIGKILL);
      const std::optional<int> status = finish(child);
      kills += status ? 0 : 1;
      done = status.has_value();
      ASSERT_EQ(status.value_or(0), 0);
    }
    ASSERT_EQ(different_file(straight_ / "run", killed_ / "run"), "");
  }
  std::cout << "trainings: " << runs << ", killed " << kills
            << " times, each ended with the files of the uninterrupted one\n";
}

TEST_F(TrainingKill, EndsWithTheFilesOfTheUninterruptedRun) {
  expect_the_files_of_the_uninterrupted_run(trials(3, 500));
}

TEST_F(TrainingKill, AlsoWithSavesInTheBackgroundAndAnAverage) {
  more_ = {"--async-save", "--ema", "0.9"};
  expect_the_files_of_the_uninterrupted_run(trials(2, 200));
}

}  // namespace
}  // namespace torchkeep::torture
