// `torchkeep repair`: what it prints and how it exits.
#include <torchkeep/load.h>
#include <torchkeep/save.h>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "cli/torchkeep_program.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"

namespace torchkeep::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

class RepairCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    save(ordered_dict(
             {{"a", Tensor::of<float>({1, 2}, {2})}, {"b", Tensor::of<float>({3, 4}, {2})}}),
         in_);
  }

  void truncate() const {
    const std::string content = file_content(in_);
    write_content(in_, content.substr(0, content.find(std::string("\0\0\x40\x40", 4))));
  }

  TemporaryDirectory directory_;
  std::filesystem::path in_ = directory_ / "in.pt";
  std::filesystem::path out_ = directory_ / "out.pt";
};

TEST_F(RepairCommand, ExitsByWhetherAllWasSaved) {
  EXPECT_EQ(torchkeep_program({"repair", in_, out_}).exit_status, 0);
  truncate();
  const ProgramResult result = torchkeep_program({"repair", in_, out_});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.standard_output, AllOf(HasSubstr("1 whole, 1 lost"), HasSubstr("saved to")));
  EXPECT_EQ(load(out_).size(), 1U);
  EXPECT_EQ(torchkeep_program({"repair", in_, in_}).exit_status, 3);
}

TEST_F(RepairCommand, PrintsJson) {
  truncate();
  const Json json = Json::parse(torchkeep_program({"repair", in_, out_, "--json"}).standard_output);
  EXPECT_EQ(json["tensors"][1]["condition"], "lost");
  EXPECT_EQ(json["written"], true);
}

}  // namespace
}  // namespace torchkeep::testing
