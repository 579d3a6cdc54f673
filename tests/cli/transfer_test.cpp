// Transfer learning from the command line.
#include <filesystem>
#include <fstream>

#include <torchkeep/load.h>

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
using testing::file_content;
using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::torchkeep_program;

class TransferCommands : public ::testing::Test {
 protected:
  void SetUp() override { testing::write_dataset(data_, {.classes = 3, .train_per_class = 12}); }

  // What describes a training, of the commands that build one.
  std::vector<std::string> training(const std::string& command,
                                    const std::vector<std::string>& more) const {
    return testing::with_options({command, "--data", "idx:" + data_.string(), "--batch-size", "8",
                                  "--seed", "5", "--threads", "1"},
                                 more);
  }

  ProgramResult train(const std::string& output, const std::vector<std::string>& more) const {
    std::vector<std::string> all = more;
    all.insert(all.end(), {"--output", (directory_ / output).string()});
    return torchkeep_program(training("train", all));
  }

  std::string metrics(const std::string& output) const {
    return file_content(directory_ / output / "metrics.jsonl");
  }

  testing::TemporaryDirectory directory_;
  fs::path data_ = directory_ / "data";
};

TEST_F(TransferCommands, ARecipeTrainsTheHeadFirstAndResumesWhereItWas) {
  const std::vector<std::string> recipe = {"--recipe", "head-then-all", "--head-epochs", "2"};
  const auto with_epochs = [&](const std::string& epochs) {
    std::vector<std::string> all = recipe;
    all.insert(all.end(), {"--epochs", epochs});
    return all;
  };
  const ProgramResult whole = train("whole", with_epochs("4"));
  ASSERT_EQ(whole.exit_status, 0) << whole.standard_error;
  EXPECT_THAT(whole.standard_output, HasSubstr("operations are frozen and run without gradients"));
  ASSERT_EQ(train("part", with_epochs("2")).exit_status, 0);
  const ProgramResult resumed =
      torchkeep_program({"resume", (directory_ / "part").string(), "--epochs", "4"});
  ASSERT_EQ(resumed.exit_status, 0) << resumed.standard_error;
  EXPECT_EQ(metrics("part"), metrics("whole"));
}

TEST_F(TransferCommands, CachedFeaturesLeaveEveryMetricEqualToTheBit) {
  const std::vector<std::string> head = {"--recipe", "head", "--epochs", "3"};
  std::vector<std::string> cached = head;
  cached.insert(cached.end(), {"--cache-features", (directory_ / "features").string()});
  ASSERT_EQ(train("plain", head).exit_status, 0);
  const ProgramResult first = train("cached", cached);
  ASSERT_EQ(first.exit_status, 0) << first.standard_error;
  EXPECT_EQ(metrics("cached"), metrics("plain"));
  EXPECT_TRUE(fs::exists(directory_ / "features" / "training.safetensors"));
  ASSERT_EQ(train("again", cached).exit_status, 0);
  EXPECT_EQ(metrics("again"), metrics("plain"));
}

TEST_F(TransferCommands, SettingsAreKeptInAFileThatTrainReads) {
  ASSERT_EQ(
      train("first", {"--freeze-to", "2", "--layer-decay", "0.5", "--epochs", "1", "--classes",
                      "0,2", "--unfreeze", "1:features.0", "--class-weights", "balanced"})
          .exit_status,
      0);
  const fs::path file = directory_ / "first" / "settings.toml";
  EXPECT_THAT(file_content(file), AllOf(HasSubstr("freeze-to = 2"), HasSubstr("classes = \"0,2\""),
                                        HasSubstr("unfreeze = [\"1:features.0\"]")));
  const ProgramResult second = torchkeep_program(
      {"train", "--config", file.string(), "--output", (directory_ / "second").string()});
  ASSERT_EQ(second.exit_status, 0) << second.standard_error;
  EXPECT_EQ(file_content(directory_ / "second" / "settings.toml"), file_content(file));
  EXPECT_EQ(metrics("second"), metrics("first"));
}

TEST_F(TransferCommands, AFileOfOptionsWithOtherNamesIsAnError) {
  const fs::path file = directory_ / "options.toml";
  std::ofstream(file) << "epocs = 3\n";
  const ProgramResult result = train("run", {"--config", file.string()});
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.standard_error,
              AllOf(HasSubstr("options.toml"), HasSubstr("no option \"epocs\"")));
  std::ofstream(file) << "epochs = 0\n";
  EXPECT_THAT(train("run", {"--config", file.string()}).standard_error, HasSubstr("options.toml"));
}

TEST_F(TransferCommands, FindLrSuggestsARate) {
  std::vector<std::string> arguments = training("find-lr", {"--steps", "30"});
  EXPECT_THAT(torchkeep_program(arguments).standard_output, HasSubstr("suggested learning rate"));
  arguments.emplace_back("--json");
  const auto json = nlohmann::json::parse(torchkeep_program(arguments).standard_output);
  EXPECT_GT(json["suggested"], 1e-6);
  EXPECT_LE(json["steps"].size(), 30U);
}

TEST_F(TransferCommands, FeaturesAreWrittenOnceForAllImages) {
  ASSERT_EQ(train("run", {"--epochs", "1"}).exit_status, 0);
  const fs::path file = directory_ / "features.safetensors";
  const std::vector<std::string> arguments = {"features", (directory_ / "run").string(),
                                              "--data",   "idx:" + data_.string(),
                                              "-o",       file.string()};
  const ProgramResult first = torchkeep_program(arguments);
  ASSERT_EQ(first.exit_status, 0) << first.standard_error;
  EXPECT_THAT(first.standard_output, HasSubstr("36 images, shape [36, 1568]; 36 computed"));
  EXPECT_THAT(torchkeep_program(arguments).standard_output, HasSubstr("; 0 computed"));
  EXPECT_EQ(load(file)["labels"].as_tensor().shape(), Shape{36});
}

TEST_F(TransferCommands, OptionsThatContradictOneAnotherAreOneClearError) {
  EXPECT_THAT(train("run", {"--recipe", "head", "--freeze", "features.*"}).standard_error,
              HasSubstr("--recipe decides itself"));
  EXPECT_THAT(train("run", {"--recipe", "gradual", "--cache-features", (directory_ / "f").string()})
                  .standard_error,
              HasSubstr("unfrozen later"));
  EXPECT_EQ(train("run", {"--unfreeze", "layer4"}).exit_status, 2);
}

}  // namespace
}  // namespace torchkeep
