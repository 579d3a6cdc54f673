// `torchkeep verify`: what it prints and how it exits.
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
using ::testing::IsEmpty;
using Json = nlohmann::json;

class VerifyCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    save(ordered_dict({{"weight", Tensor::of<float>({1, 2}, {2})}}), good_);
    std::string content = file_content(good_);
    content[content.find(std::string("\0\0\x80\x3f", 4))] ^= 1;
    write_content(bad_, content);
  }

  TemporaryDirectory directory_;
  std::filesystem::path good_ = directory_ / "good.pt";
  std::filesystem::path bad_ = directory_ / "bad.pt";
};

TEST_F(VerifyCommand, ExitsByTheWorstFile) {
  EXPECT_EQ(torchkeep_program({"verify", good_}).exit_status, 0);
  EXPECT_EQ(torchkeep_program({"verify", good_, bad_}).exit_status, 1);
  const ProgramResult result = torchkeep_program({"verify", directory_ / "missing", bad_, good_});
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.standard_error, HasSubstr("no such file"));
  EXPECT_THAT(result.standard_output, AllOf(HasSubstr("good.pt: pt, ok"), HasSubstr("damaged")));
}

TEST_F(VerifyCommand, NamesTheDamagedTensor) {
  const ProgramResult result = torchkeep_program({"verify", bad_});
  EXPECT_THAT(result.standard_output,
              AllOf(HasSubstr("tensor good/data/0"), HasSubstr("bytes"), HasSubstr("weight")));
  EXPECT_THAT(result.standard_error, IsEmpty());
}

TEST_F(VerifyCommand, PrintsOneJsonDocument) {
  const Json json =
      Json::parse(torchkeep_program({"verify", good_, bad_, "--json"}).standard_output);
  ASSERT_EQ(json["files"].size(), 2U);
  EXPECT_EQ(json["files"][0]["verdict"], "ok");
  EXPECT_EQ(json["files"][1]["damages"][0]["tensors"], Json({"weight"}));
}

}  // namespace
}  // namespace torchkeep::testing
