// `torchkeep scan`: what it prints and how it exits.
#include <fstream>

#include <torchkeep/save.h>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "cli/torchkeep_program.h"
#include "support/temporary_directory.h"

namespace torchkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

class ScanCommand : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(directory_ / name, std::ios::binary) << bytes;
    return directory_ / name;
  }

  TemporaryDirectory directory_;
};

TEST_F(ScanCommand, ExitsByTheWorstGlobal) {
  const std::filesystem::path clean = directory_ / "clean.pt";
  save(dict({{"epoch", 1}}), clean);
  const std::string unknown = write("unknown.pkl",
                                    "\x80\x02"
                                    "cmy\nNet\n)\x81.");
  const std::string evil = write("evil.pkl", "cos\nsystem\n(S'true'\ntR.");
  EXPECT_EQ(torchkeep_program({"scan", clean}).exit_status, 0);
  EXPECT_EQ(torchkeep_program({"scan", unknown}).exit_status, 1);
  EXPECT_EQ(torchkeep_program({"scan", unknown, "--allow-unknown"}).exit_status, 0);
  EXPECT_EQ(torchkeep_program({"scan", unknown, "--allow", "my.*"}).exit_status, 0);
  EXPECT_EQ(torchkeep_program({"scan", evil, "--allow-unknown", "--allow", "*"}).exit_status, 1);
  EXPECT_EQ(torchkeep_program({"scan", clean, evil}).exit_status, 1);
  EXPECT_EQ(torchkeep_program({"scan", directory_ / "missing"}).exit_status, 3);
}

TEST_F(ScanCommand, NamesTheGlobalAndItsPlace) {
  const ProgramResult result = torchkeep_program({"scan", write("evil.pkl",
                                                                "\x80\x02"
                                                                "cos\nsystem\n)R.")});
  EXPECT_THAT(result.standard_output, HasSubstr("dangerous  os.system  byte 2"));
  EXPECT_THAT(result.standard_error, IsEmpty());
}

TEST_F(ScanCommand, PrintsOneJsonDocumentForAllFilesOfADirectory) {
  write("a.pkl", "cos\nsystem\n)R.");
  write("b.txt", "notes");
  const ProgramResult result = torchkeep_program({"scan", directory_.path(), "--json"});
  const Json json = Json::parse(result.standard_output);
  ASSERT_EQ(json["files"].size(), 2U);
  EXPECT_EQ(json["files"][0]["verdict"], "dangerous");
  EXPECT_EQ(json["files"][0]["globals"][0]["name"], "os.system");
  EXPECT_EQ(json["files"][1]["verdict"], "clean");
}

}  // namespace
}  // namespace torchkeep::testing
