// The commands that look at a directory of checkpoints: `list` and `best`.
#include <filesystem>

#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/load.h>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "cli/torchkeep_program.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::torchkeep_program;

class CheckpointCommands : public ::testing::Test {
 protected:
  void SetUp() override {
    CheckpointManager manager(run_, {.filename = "{epoch}",
                                     .monitor = "val_acc",
                                     .mode = Mode::max,
                                     .save_top_k = std::nullopt});
    for (const auto& [epoch, acc] : {std::pair{0, 0.5}, std::pair{1, 0.9}, std::pair{2, 0.7}}) {
      manager.save(dict({{"epoch", epoch}, {"global_step", 10 * epoch}}),
                   {{"val_acc", acc}, {"val_loss", acc / 2}});
    }
  }

  testing::TemporaryDirectory directory_;
  std::filesystem::path run_ = directory_ / "run";
};

TEST_F(CheckpointCommands, BestPrintsThePathAndNothingElse) {
  const auto result = torchkeep_program({"best", run_.string()});
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_EQ(result.standard_output, (run_ / "1.pt").string() + "\n");
  EXPECT_THAT(result.standard_error, IsEmpty());
}

TEST_F(CheckpointCommands, BestTakesAnotherMetric) {
  const auto result =
      torchkeep_program({"best", run_.string(), "--monitor", "val_loss", "--mode", "min"});
  EXPECT_EQ(result.standard_output, (run_ / "0.pt").string() + "\n");
}

TEST_F(CheckpointCommands, BestOfNothingIsANegativeAnswer) {
  std::filesystem::create_directory(directory_ / "empty");
  const auto result = torchkeep_program({"best", (directory_ / "empty").string()});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.standard_output, IsEmpty());
  EXPECT_THAT(result.standard_error, HasSubstr("no checkpoint"));
}

TEST_F(CheckpointCommands, AMissingDirectoryIsAnError) {
  for (const char* command : {"best", "list"}) {
    const auto result = torchkeep_program({command, (directory_ / "nowhere").string()});
    EXPECT_EQ(result.exit_status, 3);
    EXPECT_THAT(result.standard_error,
                AllOf(HasSubstr("torchkeep: "), HasSubstr("no such directory")));
  }
}

TEST_F(CheckpointCommands, ListShowsTheCheckpointsOldestFirstAndMarksTheBest) {
  const auto result = torchkeep_program({"list", run_.string()});
  EXPECT_EQ(result.exit_status, 0);
  const std::string& text = result.standard_output;
  EXPECT_LT(text.find("0.pt"), text.find("1.pt"));
  EXPECT_LT(text.find("1.pt"), text.find("2.pt"));
  EXPECT_THAT(text, ContainsRegex("best +1 +10 +0.9000 +0.4500 +[0-9.]+ KiB +[0-9]+ s +1.pt"));
  EXPECT_THAT(text, ContainsRegex("last +2 +20 +0.7000"));
  EXPECT_THAT(text, HasSubstr("3 checkpoints"));
}

TEST_F(CheckpointCommands, ListSortsAndFilters) {
  const auto result = torchkeep_program(
      {"list", run_.string(), "--sort", "val_acc", "--descending", "--where", "epoch>0", "--json"});
  const auto json = nlohmann::json::parse(result.standard_output);
  ASSERT_EQ(json["checkpoints"].size(), 2U);
  EXPECT_EQ(json["checkpoints"][0]["epoch"], 1);
  EXPECT_EQ(json["checkpoints"][1]["epoch"], 2);
  EXPECT_EQ(json["last"], (run_ / "2.pt").string());
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"list", run_.string(), "--sort", "val_f1"},
        {"best", run_.string(), "--metric", "val_f1"}}) {
    const auto refused = torchkeep_program(wrong);
    EXPECT_EQ(refused.exit_status, 3);
    EXPECT_THAT(refused.standard_error, HasSubstr("no checkpoint has the metric \"val_f1\""));
  }
}

TEST_F(CheckpointCommands, ListGivesOneJsonDocument) {
  const auto result = torchkeep_program({"list", run_.string(), "--json"});
  const auto json = nlohmann::json::parse(result.standard_output);
  EXPECT_EQ(json["best"], (run_ / "1.pt").string());
  ASSERT_EQ(json["checkpoints"].size(), 3U);
  EXPECT_EQ(json["checkpoints"][2]["epoch"], 2);
  EXPECT_EQ(json["checkpoints"][2]["metrics"]["val_acc"], 0.7);
}

TEST_F(CheckpointCommands, CleanSaysWhatItWouldDoAndDoesIt) {
  const auto dry = torchkeep_program({"clean", run_.string(), "--best", "1", "--dry-run"});
  EXPECT_EQ(dry.exit_status, 0);
  EXPECT_THAT(dry.standard_output, AllOf(HasSubstr("0.pt"), HasSubstr("nothing was done")));
  EXPECT_TRUE(std::filesystem::exists(run_ / "0.pt"));
  EXPECT_EQ(torchkeep_program({"clean", run_.string(), "--best", "1", "--trash"}).exit_status, 0);
  EXPECT_FALSE(std::filesystem::exists(run_ / "0.pt"));
  EXPECT_TRUE(std::filesystem::exists(run_ / "1.pt"));
  EXPECT_TRUE(std::filesystem::exists(run_ / "trash" / "0.pt"));
  const auto without_rule = torchkeep_program({"clean", run_.string()});
  EXPECT_EQ(without_rule.exit_status, 3);
  EXPECT_THAT(without_rule.standard_error, HasSubstr("no rule"));
}

TEST_F(CheckpointCommands, AverageTakesTheBestOfARun) {
  const auto save_as = [&](int epoch) {
    return dict(
        {{"epoch", epoch},
         {"model_state_dict", dict({{"w", Tensor::scalar<float>(static_cast<float>(epoch))}})}});
  };
  const std::filesystem::path run = directory_ / "averaged";
  CheckpointManager manager(run, {.filename = "{epoch}", .monitor = "loss", .save_top_k = 9});
  for (int epoch = 0; epoch < 4; ++epoch) manager.save(save_as(epoch), {{"loss", 9.0 - epoch}});
  const std::string mean = (directory_ / "mean.pt").string();
  const auto result = torchkeep_program({"average", "--best", "2", run.string(), "-o", mean});
  EXPECT_EQ(result.exit_status, 0) << result.standard_error;
  EXPECT_THAT(result.standard_output, HasSubstr("the best of"));
  EXPECT_EQ(load(mean)["model_state_dict"]["w"].as_double(), 2.5);
  const auto two = torchkeep_program({"average", "--best", "1", run.string(), mean, "-o", mean});
  EXPECT_EQ(two.exit_status, 3);
  EXPECT_THAT(two.standard_error, HasSubstr("--best chooses from a directory"));
}

}  // namespace
}  // namespace torchkeep
