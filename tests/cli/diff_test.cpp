#include <torchkeep/save.h>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "cli/torchkeep_program.h"
#include "support/temporary_directory.h"

namespace torchkeep::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DiffProgram : public ::testing::Test {
 protected:
  DiffProgram() {
    save(dict({{"w", Tensor::of<float>({1, 2}, {2})}, {"epoch", 1}}), directory_ / "a.pt");
    save(dict({{"w", Tensor::of<float>({1, 2.5F}, {2})}, {"epoch", 1}}), directory_ / "b.pt");
  }

  ProgramResult diff(const char* a, const char* b, std::vector<std::string> options = {}) {
    std::vector<std::string> arguments = {"diff", directory_ / a, directory_ / b};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return torchkeep_program(arguments);
  }

  TemporaryDirectory directory_;
};

TEST_F(DiffProgram, EndsWithZeroWhereNothingDiffers) {
  const ProgramResult result = diff("a.pt", "a.pt");
  EXPECT_EQ(result.exit_status, 0) << result.standard_error;
  EXPECT_THAT(result.standard_output, EndsWith("same; 1 tensor (8 B) and 1 value identical\n"));
  EXPECT_THAT(result.standard_error, IsEmpty());
}

TEST_F(DiffProgram, EndsWithOneAndShowsWhatDiffers) {
  const ProgramResult result = diff("a.pt", "b.pt");
  EXPECT_EQ(result.exit_status, 1) << result.standard_error;
  EXPECT_THAT(result.standard_output, HasSubstr("1 of 2"));
  EXPECT_THAT(result.standard_output, HasSubstr("[1] 2 -> 2.5"));
}

TEST_F(DiffProgram, TakesATolerance) {
  EXPECT_EQ(diff("a.pt", "b.pt", {"--atol", "0.5"}).exit_status, 0);
  EXPECT_EQ(diff("a.pt", "b.pt", {"--rtol", "0.1"}).exit_status, 1);
  EXPECT_EQ(diff("a.pt", "b.pt", {"--no-values"}).exit_status, 0);
  EXPECT_EQ(diff("a.pt", "b.pt", {"--rtol", "x"}).exit_status, 2);
  EXPECT_EQ(diff("a.pt", "b.pt", {"--rtol", "-1"}).exit_status, 3);
}

TEST_F(DiffProgram, PrintsOneJsonDocument) {
  const ProgramResult result = diff("a.pt", "b.pt", {"--json"});
  EXPECT_EQ(result.exit_status, 1);
  const auto json = nlohmann::json::parse(result.standard_output);
  EXPECT_EQ(json["tensors"][0]["max_abs"], 0.5);
}

TEST_F(DiffProgram, IsQuietWhenAsked) {
  const ProgramResult result = diff("a.pt", "b.pt", {"-q"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.standard_output, IsEmpty());
}

TEST_F(DiffProgram, TellsWhatCannotBeRead) {
  const ProgramResult result = diff("a.pt", "missing.pt");
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.standard_error, HasSubstr("missing.pt: cannot open: no such file"));
}

}  // namespace
}  // namespace torchkeep::testing
