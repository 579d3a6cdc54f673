// The commands about models and their published weights.
#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "cli/torchkeep_program.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ProgramResult;
using testing::torchkeep_program;

class HubCommands : public ::testing::Test {
 protected:
  HubCommands() { ::setenv("TORCH_HOME", directory_.path().c_str(), 1); }
  ~HubCommands() override { ::unsetenv("TORCH_HOME"); }

  testing::TemporaryDirectory directory_;
};

TEST_F(HubCommands, ModelsListsNamesAndWeights) {
  const ProgramResult table = torchkeep_program({"models", "resnet"});
  EXPECT_EQ(table.exit_status, 0) << table.standard_error;
  EXPECT_THAT(table.standard_output, AllOf(HasSubstr("resnet20"), Not(HasSubstr("vgg16"))));
  const auto json =
      nlohmann::json::parse(torchkeep_program({"models", "vgg16_bn", "--json"}).standard_output);
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["weights"][0]["file"], "vgg16_bn-6c64b313.pth");
  EXPECT_EQ(json[0]["weights"][0]["sha256_prefix"], "6c64b313");
  EXPECT_EQ(torchkeep_program({"models", "no such model"}).exit_status, 1);
}

TEST_F(HubCommands, DownloadSaysWhereAFileBelongsWhenOffline) {
  const ProgramResult missing = torchkeep_program({"download", "vgg16", "--offline"});
  EXPECT_EQ(missing.exit_status, 3);
  const std::string path = (directory_ / "hub/checkpoints/vgg16-397923af.pth").string();
  EXPECT_THAT(missing.standard_error,
              AllOf(HasSubstr(path + ": the file is not in the cache"),
                    HasSubstr("https://download.pytorch.org/models/vgg16-397923af.pth")));
  EXPECT_EQ(missing.standard_output, "");
}

TEST_F(HubCommands, DownloadSaysWhichWeightsThereAre) {
  const ProgramResult result = torchkeep_program({"download", "vgg16", "IMAGENET1K_V9"});
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.standard_error, HasSubstr("there are DEFAULT, IMAGENET1K_V1"));
}

}  // namespace
}  // namespace torchkeep
