// Training from the command line, on small data sets that the tests write.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "cli/torchkeep_program.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"
#include "vision/idx_files.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::ProgramResult;
using testing::torchkeep_program;

class TrainingCommands : public ::testing::Test {
 protected:
  void SetUp() override { testing::write_dataset(data_, {.classes = 4, .train_per_class = 20}); }

  // A short training. `more` are options with their values, which replace those here.
  std::vector<std::string> train(const std::string& output,
                                 const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"train",
                                       "--data",
                                       "idx:" + data_.string(),
                                       "--classes",
                                       "0-1",
                                       "--batch-size",
                                       "8",
                                       "--epochs",
                                       "4",
                                       "--seed",
                                       "5",
                                       "--threads",
                                       "1",
                                       "--save-top-k",
                                       "100",
                                       "--output",
                                       (directory_ / output).string()};
    return testing::with_options(arguments, more);
  }

  testing::TemporaryDirectory directory_;
  fs::path data_ = directory_ / "data";
};

TEST_F(TrainingCommands, TrainListBestAndEvalGoTogether) {
  const ProgramResult trained = torchkeep_program(train("run"));
  ASSERT_EQ(trained.exit_status, 0) << trained.standard_error;
  EXPECT_THAT(trained.standard_output, AllOf(HasSubstr("36 images"), Not(HasSubstr("\r")),
                                             HasSubstr("epoch 3 (4/4)  train_loss"),
                                             HasSubstr("saved checkpoint_model_3_")));
  const std::string run = (directory_ / "run").string();
  const auto listed =
      nlohmann::json::parse(torchkeep_program({"list", run, "--json"}).standard_output);
  EXPECT_EQ(listed["checkpoints"].size(), 4U);
  const auto evaluated =
      nlohmann::json::parse(torchkeep_program({"eval", run, "--json"}).standard_output);
  EXPECT_EQ(evaluated["path"], listed["best"]);
  EXPECT_EQ(evaluated["images"], 20);
  EXPECT_EQ(evaluated["classes"].size(), 2U);
  EXPECT_GE(evaluated["acc"], 0.5);
}

TEST_F(TrainingCommands, AKilledAndResumedRunIsTheUninterruptedOne) {
  // In places of their own, so that the command lines in the checkpoints are the same.
  const auto in = [this](const std::string& place) {
    fs::create_directory(directory_ / place);
    return std::vector<std::string>{"env", "-C", (directory_ / place).string()};
  };
  const auto options = train("", {"--epochs", "30", "--patience", "0", "--output", "run"});
  std::vector<std::string> straight = in("straight");
  straight.emplace_back(TORCHKEEP_PROGRAM);
  straight.insert(straight.end(), options.begin(), options.end());
  ASSERT_EQ(testing::run_program(straight).exit_status, 0);
  std::string command =
      "\"$0\" \"$@\" > /dev/null & "
      "while [ \"$(ls \"$RUN\"/*.pt 2> /dev/null | wc -l)\" -lt 3 ]; do sleep 0.01; done; "
      "kill -9 $!; wait $!";
  std::vector<std::string> arguments = in("killed");
  arguments.insert(arguments.end(), {"RUN=run", "bash", "-c", command, TORCHKEEP_PROGRAM});
  arguments.insert(arguments.end(), options.begin(), options.end());
  ASSERT_EQ(testing::run_program(arguments).exit_status, 128 + 9);
  const fs::path killed = directory_ / "killed" / "run";
  const ProgramResult resumed = torchkeep_program({"resume", killed.string(), "--json"});
  ASSERT_EQ(resumed.exit_status, 0) << resumed.standard_error;
  EXPECT_EQ(nlohmann::json::parse(resumed.standard_output)["epochs"], 30);
  std::size_t compared = 0;
  for (const auto& entry : fs::directory_iterator(directory_ / "straight" / "run")) {
    const std::string file = entry.path().filename().string();
    EXPECT_EQ(testing::file_content(entry.path()), testing::file_content(killed / file)) << file;
    ++compared;
  }
  EXPECT_EQ(compared, 33U);  // 30 checkpoints and metrics.jsonl, checkpoints.json, settings.toml
}

TEST_F(TrainingCommands, ResumePassesOverADamagedCheckpointAndSaysSo) {
  ASSERT_EQ(torchkeep_program(train("run")).exit_status, 0);
  const fs::path run = directory_ / "run";
  for (const auto& entry : fs::directory_iterator(run)) {
    if (entry.path().filename().string().starts_with("checkpoint_model_3_")) {
      fs::resize_file(entry.path(), 1000);
    }
  }
  const ProgramResult resumed = torchkeep_program({"resume", run.string(), "--epochs", "5"});
  EXPECT_EQ(resumed.exit_status, 0);
  EXPECT_THAT(resumed.standard_error,
              AllOf(HasSubstr("skipped"), HasSubstr("checkpoint_model_3_")));
  EXPECT_THAT(resumed.standard_output,
              AllOf(HasSubstr("after epoch 2"), HasSubstr("epoch 4 (5/5)")));
}

TEST_F(TrainingCommands, TransferMovesOnlyTheNewHead) {
  ASSERT_EQ(torchkeep_program(train("first")).exit_status, 0);
  const std::string first =
      torchkeep_program({"best", (directory_ / "first").string()}).standard_output;
  const ProgramResult second = torchkeep_program(
      train("second", {"--classes", "2-3", "--from", (directory_ / "first").string(), "--freeze",
                       "features.*", "--json"}));
  ASSERT_EQ(second.exit_status, 0) << second.standard_error;
  const auto outcome = nlohmann::json::parse(second.standard_output);
  EXPECT_EQ(outcome["trainable_parameters"], 1568 * 2 + 2);
  const auto hashes = [](const std::string& path) {
    std::map<std::string, std::string> result;
    const auto json = nlohmann::json::parse(
        torchkeep_program({"inspect", path, "--json", "--hash"}).standard_output);
    for (const auto& tensor : json["tensors"]) {
      if (tensor["name"].get<std::string>().starts_with("model_state_dict."))
        result[tensor["name"]] = tensor["sha256"];
    }
    return result;
  };
  const auto before = hashes(first.substr(0, first.size() - 1));
  const auto after = hashes(outcome["best"]["path"]);
  ASSERT_EQ(before.size(), after.size());
  for (const auto& [name, hash] : before) {
    if (name.find(".features.") != std::string::npos) {
      EXPECT_EQ(after.at(name), hash) << name;
    } else {
      EXPECT_NE(after.at(name), hash) << name;
    }
  }
}

TEST_F(TrainingCommands, LineageLeadsFromTheFirstRunToThePresentFile) {
  ASSERT_EQ(torchkeep_program(train("first", {"--epochs", "1"})).exit_status, 0);
  const fs::path first = directory_ / "first";
  const auto second =
      train("second", {"--epochs", "1", "--from", first.string(), "--keep-last", "2"});
  ASSERT_EQ(torchkeep_program(second).exit_status, 0);
  ASSERT_EQ(
      torchkeep_program({"resume", (directory_ / "second").string(), "--epochs", "2"}).exit_status,
      0);
  const auto list = nlohmann::json::parse(
      torchkeep_program({"list", (directory_ / "second").string(), "--json"}).standard_output);
  const auto result = torchkeep_program({"lineage", list["last"], "--json"});
  EXPECT_EQ(result.exit_status, 0) << result.standard_error;
  const auto files = nlohmann::json::parse(result.standard_output)["files"];
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(fs::path(files[0]["path"].get<std::string>()).parent_path(), first);
  EXPECT_EQ(files[0]["state"], "unchanged");
  EXPECT_EQ(files[0]["command"][1], "train");
  EXPECT_EQ(files[1]["epoch"], 1);
  EXPECT_EQ(files[1]["command"][0], "torchkeep");
  EXPECT_EQ(files[1]["command"].size(), second.size() + 1);
  EXPECT_EQ(files[1]["versions"].size(), 2U);
}

TEST_F(TrainingCommands, DeltasAndAnAverageAreResumedAndMeasured) {
  ASSERT_EQ(torchkeep_program(train("first", {"--epochs", "1"})).exit_status, 0);
  std::vector<std::string> second =
      train("second", {"--classes", "2-3", "--from", (directory_ / "first").string(), "--freeze",
                       "features.*", "--epochs", "2", "--ema", "0.9", "--optimizer", "sgd"});
  second.insert(second.end(), {"--delta", "--async-save"});
  const ProgramResult trained = torchkeep_program(second);
  ASSERT_EQ(trained.exit_status, 0) << trained.standard_error;
  const std::string run = (directory_ / "second").string();
  const ProgramResult resumed = torchkeep_program({"resume", run, "--epochs", "3"});
  ASSERT_EQ(resumed.exit_status, 0) << resumed.standard_error;
  const auto list =
      nlohmann::json::parse(torchkeep_program({"list", run, "--json"}).standard_output);
  ASSERT_EQ(list["checkpoints"].size(), 3U);
  const auto inspected =
      nlohmann::json::parse(torchkeep_program({"inspect", list["last"], "--json"}).standard_output);
  EXPECT_EQ(inspected["delta"]["state"], "unchanged");
  EXPECT_GT(inspected["delta"]["tensors"], 0);
  EXPECT_EQ(torchkeep_program({"verify", list["last"]}).exit_status, 0);
  const fs::path whole = directory_ / "whole.pt";
  ASSERT_EQ(torchkeep_program({"materialize", list["last"], whole.string()}).exit_status, 0);
  EXPECT_EQ(torchkeep_program({"diff", list["last"], whole.string()}).exit_status, 0);
  EXPECT_GT(fs::file_size(whole), fs::file_size(list["last"].get<std::string>()));
  const auto loss = [](const std::vector<std::string>& arguments) {
    return nlohmann::json::parse(torchkeep_program(arguments).standard_output)["loss"];
  };
  EXPECT_NE(loss({"eval", whole.string(), "--json"}),
            loss({"eval", whole.string(), "--json", "--ema"}));
  const auto without = torchkeep_program({"eval", (directory_ / "first").string(), "--ema"});
  EXPECT_EQ(without.exit_status, 3);
  EXPECT_THAT(without.standard_error, HasSubstr("no average of the weights"));
}

TEST_F(TrainingCommands, ARunIsNotWrittenOver) {
  ASSERT_EQ(torchkeep_program(train("run", {"--epochs", "1"})).exit_status, 0);
  const ProgramResult again = torchkeep_program(train("run"));
  EXPECT_EQ(again.exit_status, 3);
  EXPECT_THAT(again.standard_error, HasSubstr("holds a run already; resume it"));
}

TEST_F(TrainingCommands, WrongOptionsAreWrongUsage) {
  for (const std::vector<std::string>& more : {std::vector<std::string>{"--no-such-option"},
                                               {"--classes", "4-"},
                                               {"--classes", "3-1"},
                                               {"--optimizer", "magic"},
                                               {"--epochs", "0"},
                                               {"--lr", "fast"},
                                               {"--mode", "best"}}) {
    const ProgramResult result = torchkeep_program(train("run", more));
    EXPECT_EQ(result.exit_status, 2) << more.front();
    EXPECT_THAT(result.standard_output, IsEmpty());
  }
  EXPECT_FALSE(fs::exists(directory_ / "run"));
}

TEST_F(TrainingCommands, WhatCannotBeTrainedIsOneClearError) {
  const auto message = [&](const std::vector<std::string>& more) {
    const ProgramResult result = torchkeep_program(train("run", more));
    EXPECT_EQ(result.exit_status, 3);
    return result.standard_error;
  };
  EXPECT_THAT(message({"--classes", "7"}), HasSubstr("no class 7"));
  EXPECT_THAT(message({"--data", "cifar"}), HasSubstr("no data set \"cifar\""));
  EXPECT_THAT(message({"--data", "idx:/nonexistent"}), HasSubstr("train-images-idx3-ubyte"));
  EXPECT_THAT(message({"--model", "tiny_vg"}), HasSubstr("tiny_vgg"));
  EXPECT_THAT(message({"--filename", "{epoch"}), HasSubstr("braces"));
  EXPECT_THAT(message({"--monitor", "val_f1"}), HasSubstr("no metric \"val_f1\""));
  EXPECT_THAT(message({"--freeze", "*"}), HasSubstr("frozen"));
  EXPECT_THAT(message({"--per-class", "500"}), HasSubstr("has 20 images"));
}

}  // namespace
}  // namespace torchkeep
