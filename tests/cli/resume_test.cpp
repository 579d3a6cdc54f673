#include <algorithm>
// Trainings that are stopped and gone on with, from the command line.
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "cli/torchkeep_program.h"
#include "support/temporary_directory.h"
#include "vision/idx_files.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::torchkeep_program;
using Arguments = std::vector<std::string>;

class ResumeCommands : public ::testing::Test {
 protected:
  void SetUp() override { testing::write_dataset(data_, {.classes = 2, .train_per_class = 20}); }

  Arguments command(const std::string& name, const Arguments& more) const {
    Arguments arguments{
        name,        "--data", "idx:" + data_.string(), "--batch-size", "8", "--seed", "5",
        "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  Arguments train(const std::string& output, const Arguments& more) const {
    Arguments arguments = command("train", more);
    if (std::ranges::find(more, "--patience") == more.end()) {
      arguments.insert(arguments.end(), {"--patience", "0"});
    }
    arguments.insert(arguments.end(), {"--output", (directory_ / output).string()});
    return arguments;
  }

  // The SHA-256 of every tensor in the last checkpoint of a run.
  std::map<std::string, std::string> last_tensors(const std::string& run) const {
    const auto list = nlohmann::json::parse(
        torchkeep_program({"list", (directory_ / run).string(), "--json"}).standard_output);
    const std::string path = list["checkpoints"].back()["path"];
    const auto json = nlohmann::json::parse(
        torchkeep_program({"inspect", path, "--json", "--hash"}).standard_output);
    std::map<std::string, std::string> hashes;
    for (const auto& tensor : json["tensors"]) hashes[tensor["name"]] = tensor["sha256"];
    return hashes;
  }

  testing::TemporaryDirectory directory_;
  fs::path data_ = directory_ / "data";
};

TEST_F(ResumeCommands, ASignalSavesAndTheRunGoesOnExactly) {
  const Arguments options{"--epochs", "40", "--scheduler", "cosine", "--schedule-each", "step"};
  ASSERT_EQ(torchkeep_program(train("straight", options)).exit_status, 0);
  const std::string run = (directory_ / "stopped").string();
  Arguments arguments{"env",
                      "RUN=" + run,
                      "bash",
                      "-c",
                      "\"$0\" \"$@\" > /dev/null & "
                      "while ! ls \"$RUN\"/*.pt > /dev/null 2>&1; do sleep 0.01; done; "
                      "kill -TERM $!; wait $!",
                      TORCHKEEP_PROGRAM};
  for (const std::string& argument : train("stopped", options)) arguments.push_back(argument);
  const ProgramResult stopped = testing::run_program(arguments);
  EXPECT_EQ(stopped.exit_status, 1);
  EXPECT_THAT(stopped.standard_error,
              AllOf(HasSubstr("interrupted"), HasSubstr("torchkeep resume")));
  const ProgramResult resumed = torchkeep_program({"resume", run});
  EXPECT_EQ(resumed.exit_status, 0) << resumed.standard_error;
  EXPECT_THAT(resumed.standard_output, HasSubstr("within epoch"));
  EXPECT_EQ(last_tensors("stopped"), last_tensors("straight"));
}

TEST_F(ResumeCommands, AScheduleChangesTheRate) {
  const ProgramResult trained =
      torchkeep_program(train("run", {"--epochs", "2", "--lr", "0.5", "--optimizer", "sgd",
                                      "--scheduler", "step:step_size=1"}));
  ASSERT_EQ(trained.exit_status, 0) << trained.standard_error;
  std::ifstream log(directory_ / "run" / "metrics.jsonl");
  std::vector<double> rates;
  for (std::string line; std::getline(log, line);) {
    rates.push_back(nlohmann::json::parse(line)["lr"]);
  }
  EXPECT_THAT(rates, ::testing::ElementsAre(0.5, 0.05));
  const ProgramResult wrong = torchkeep_program(train("other", {"--scheduler", "stepp"}));
  EXPECT_EQ(wrong.exit_status, 3);
  EXPECT_THAT(wrong.standard_error, HasSubstr("no schedule \"stepp\""));
}

TEST_F(ResumeCommands, ARunThatWasStoppedEarlyGoesOnIfAsked) {
  const ProgramResult trained = torchkeep_program(
      train("run", {"--epochs", "6", "--lr", "0.9", "--optimizer", "sgd", "--patience", "1"}));
  ASSERT_EQ(trained.exit_status, 0);
  ASSERT_THAT(trained.standard_output, HasSubstr("stopped early"));
  const std::string run = (directory_ / "run").string();
  EXPECT_THAT(torchkeep_program({"resume", run}).standard_output,
              AllOf(HasSubstr("stopped early"), ::testing::Not(HasSubstr("train_loss"))));
  EXPECT_THAT(torchkeep_program({"resume", run, "--go-on"}).standard_output,
              HasSubstr("train_loss"));
}

TEST_F(ResumeCommands, ProveResumeSaysExact) {
  const std::string proof = (directory_ / "proof").string();
  const Arguments options =
      command("prove-resume",
              {"--patience", "0", "--steps", "11", "--stop-at", "7", "--directory", proof,
               "--scheduler", "one-cycle", "--schedule-each", "step", "--optimizer", "sgd"});
  const ProgramResult proved = torchkeep_program(options);
  EXPECT_EQ(proved.exit_status, 0) << proved.standard_output << proved.standard_error;
  EXPECT_THAT(proved.standard_output, HasSubstr("exact: 4 steps"));
  const ProgramResult again = torchkeep_program(options);
  EXPECT_EQ(again.exit_status, 3);
  EXPECT_THAT(again.standard_error, HasSubstr("not an empty directory"));
}

}  // namespace
}  // namespace torchkeep
