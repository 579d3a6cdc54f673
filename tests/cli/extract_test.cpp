#include <torchkeep/load.h>
#include <torchkeep/save.h>

#include <gmock/gmock.h>

#include "cli/torchkeep_program.h"
#include "support/temporary_directory.h"

namespace torchkeep::testing {
namespace {

using ::testing::HasSubstr;

class ExtractProgram : public ::testing::Test {
 protected:
  ExtractProgram() {
    const std::vector<float> large(2'000);
    save(dict({{"epoch", 4},
               {"w", Tensor::of<float>({1, 2.5F}, {2})},
               {"large", Tensor::of(std::span<const float>(large), {2'000})}}),
         file_);
  }

  TemporaryDirectory directory_;
  std::filesystem::path file_ = directory_ / "a.pt";
};

TEST_F(ExtractProgram, ShowsValuesAndSmallTensors) {
  EXPECT_EQ(torchkeep_program({"extract", file_, "epoch"}).standard_output, "4\n");
  EXPECT_EQ(torchkeep_program({"extract", file_, "w"}).standard_output, "[1.0, 2.5]\n");
}

TEST_F(ExtractProgram, WritesATensorToAFile) {
  const std::filesystem::path out = directory_ / "w.pt";
  const ProgramResult result = torchkeep_program({"extract", file_, "w", "-o", out});
  EXPECT_EQ(result.exit_status, 0) << result.standard_error;
  EXPECT_EQ(load(out).as_tensor().item_as_double(1), 2.5);
}

TEST_F(ExtractProgram, AsksForAFileWhereATensorIsLong) {
  const ProgramResult result = torchkeep_program({"extract", file_, "large"});
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.standard_error, HasSubstr("2000 elements"));
  EXPECT_THAT(result.standard_error, HasSubstr("with -o"));
}

TEST_F(ExtractProgram, ProposesASimilarName) {
  const ProgramResult result = torchkeep_program({"extract", file_, "epcoh"});
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.standard_error, HasSubstr("did you mean 'epoch'?"));
}

}  // namespace
}  // namespace torchkeep::testing
