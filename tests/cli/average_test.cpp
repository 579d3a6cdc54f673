#include <torchkeep/load.h>
#include <torchkeep/save.h>

#include <gmock/gmock.h>

#include "cli/torchkeep_program.h"
#include "support/temporary_directory.h"

namespace torchkeep::testing {
namespace {

using ::testing::HasSubstr;

class AverageProgram : public ::testing::Test {
 protected:
  AverageProgram() {
    save(dict({{"w", Tensor::scalar<float>(1)}}), directory_ / "a.pt");
    save(dict({{"w", Tensor::scalar<float>(5)}}), directory_ / "b.pt");
  }

  TemporaryDirectory directory_;
};

TEST_F(AverageProgram, WritesTheMean) {
  const std::filesystem::path mean = directory_ / "mean.pt";
  const ProgramResult result =
      torchkeep_program({"average", directory_ / "a.pt", directory_ / "b.pt", "-o", mean});
  EXPECT_EQ(result.exit_status, 0) << result.standard_error;
  EXPECT_THAT(result.standard_output, HasSubstr("mean.pt: the mean of 1 tensor, 0 kept"));
  EXPECT_EQ(load(mean)["w"].as_double(), 3);
}

TEST_F(AverageProgram, TakesWeightsAndMayReplaceAnInput) {
  const std::filesystem::path b = directory_ / "b.pt";
  const ProgramResult result =
      torchkeep_program({"average", directory_ / "a.pt", b, "-o", b, "--weights", "3,1"});
  EXPECT_EQ(result.exit_status, 0) << result.standard_error;
  EXPECT_EQ(load(b)["w"].as_double(), 2);
}

TEST_F(AverageProgram, WritesNothingWhereFormsDiffer) {
  save(dict({{"v", Tensor::scalar<float>(1)}}), directory_ / "c.pt");
  const std::filesystem::path mean = directory_ / "mean.pt";
  const ProgramResult result =
      torchkeep_program({"average", directory_ / "c.pt", directory_ / "a.pt", "-o", mean});
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.standard_error, HasSubstr("c.pt"));
  EXPECT_FALSE(std::filesystem::exists(mean));
}

TEST_F(AverageProgram, NeedsAnOutput) {
  EXPECT_EQ(torchkeep_program({"average", directory_ / "a.pt"}).exit_status, 2);
}

}  // namespace
}  // namespace torchkeep::testing
