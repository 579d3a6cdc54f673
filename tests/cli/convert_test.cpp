#include <torchkeep/load.h>
#include <torchkeep/save.h>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "cli/torchkeep_program.h"
#include "support/temporary_directory.h"

namespace torchkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConvertProgram : public ::testing::Test {
 protected:
  ConvertProgram() {
    save(dict({{"epoch", 1}, {"model", dict({{"module.w", Tensor::of<float>({1, 2}, {2})}})}}),
         in_);
  }

  ProgramResult convert(const char* out, std::vector<std::string> options = {}) {
    std::vector<std::string> arguments = {"convert", in_, directory_ / out};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return torchkeep_program(arguments);
  }

  TemporaryDirectory directory_;
  std::filesystem::path in_ = directory_ / "in.pt";
};

TEST_F(ConvertProgram, SaysWhatItDid) {
  const ProgramResult result = convert("out.pt");
  EXPECT_EQ(result.exit_status, 0) << result.standard_error;
  EXPECT_EQ(result.standard_output, "pt -> pt: 1 tensor, 8 B, as it is\n");
  EXPECT_THAT(result.standard_error, IsEmpty());
}

TEST_F(ConvertProgram, TakesAllOptions) {
  const ProgramResult result = convert(
      "out.pt", {"--key", "model", "--strip-prefix", "module.", "--rename", "*=x.*", "--dtype",
                 "half", "--layout", "torch-1.13", "--root-name", "r", "--manifest", "--json"});
  ASSERT_EQ(result.exit_status, 0) << result.standard_error;
  EXPECT_EQ(nlohmann::json::parse(result.standard_output)["bytes"], 4);
  EXPECT_EQ(load(directory_ / "out.pt")["x.w"].as_tensor().dtype(), DType::float16);
}

TEST_F(ConvertProgram, WarnsOnStandardError) {
  const ProgramResult result = convert("out.npz", {"--drop-non-tensors"});
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_THAT(result.standard_error,
              HasSubstr("torchkeep: warning: dropped 1 value that is no tensor\n"));
}

TEST_F(ConvertProgram, RefusesToLoseValues) {
  const ProgramResult result = convert("out.npz");
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.standard_error, HasSubstr("in.pt: npz holds only tensors: 1 value"));
  EXPECT_THAT(result.standard_error, HasSubstr("--drop-non-tensors"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "out.npz"));
}

TEST_F(ConvertProgram, ChecksItsOptions) {
  EXPECT_EQ(convert("out.pt", {"--dtype", "float17"}).exit_status, 2);
  EXPECT_EQ(convert("out.pt", {"--rename", "a"}).exit_status, 2);
  const ProgramResult unknown_layout = convert("out.pt", {"--layout", "torch-0.4"});
  EXPECT_EQ(unknown_layout.exit_status, 2);
  EXPECT_THAT(unknown_layout.standard_error, HasSubstr("no such layout: torch-0.4 (expected"));
  EXPECT_EQ(convert("out.pt", {"--to", "tar"}).exit_status, 3);
}

}  // namespace
}  // namespace torchkeep::testing
