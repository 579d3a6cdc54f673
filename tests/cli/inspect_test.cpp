// `torchkeep inspect`: what it prints, and what it says about files that it cannot read.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <torchkeep/save.h>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "cli/torchkeep_program.h"
#include "support/temporary_directory.h"

namespace torchkeep::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Json = nlohmann::json;

// A checkpoint of two tensors and two numbers.
std::filesystem::path write_checkpoint(const TemporaryDirectory& directory) {
  const std::filesystem::path path = directory / "checkpoint.pt";
  save(dict({{"epoch", 4},
             {"model_state_dict",
              ordered_dict({{"fc.weight", Tensor::of<float>({1, 2, 3, 4, 5, 6}, {2, 3})},
                            {"fc.bias", Tensor::of<float>({0, 0}, {2})}})},
             {"loss", 0.25}}),
       path);
  return path;
}

std::filesystem::path write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::ptrdiff_t count_files(const TemporaryDirectory& directory) {
  return std::distance(std::filesystem::directory_iterator(directory.path()), {});
}

// One message, on standard error alone, that starts with the path; exit status 3.
void expect_error(const std::filesystem::path& path, const std::string& problem) {
  const ProgramResult result = torchkeep_program({"inspect", path, "--json"});
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.standard_output, IsEmpty());
  EXPECT_THAT(result.standard_error,
              AllOf(StartsWith("torchkeep: " + path.string() + ": "), HasSubstr(problem)));
  EXPECT_EQ(std::ranges::count(result.standard_error, '\n'), 1);
}

TEST(Inspect, ShowsValuesAndTensors) {
  const TemporaryDirectory directory;
  const ProgramResult result = torchkeep_program({"inspect", write_checkpoint(directory)});
  EXPECT_EQ(result.exit_status, 0) << result.standard_error;
  for (const char* text : {"epoch", "4", "loss", "0.25", "model_state_dict.fc.weight", "float32"}) {
    EXPECT_THAT(result.standard_output, HasSubstr(text));
  }
}

TEST(Inspect, PrintsOneJsonDocument) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = write_checkpoint(directory);
  const ProgramResult result = torchkeep_program({"inspect", path, "--json"});
  const Json json = Json::parse(result.standard_output);
  EXPECT_EQ(json["path"], path.string());
  EXPECT_EQ(json["format"], "pt");
  EXPECT_EQ(json["file_bytes"], std::filesystem::file_size(path));
  EXPECT_EQ(json["values"], Json({{"epoch", 4}, {"loss", 0.25}}));
  EXPECT_EQ(json["tensors"][0], Json({{"name", "model_state_dict.fc.weight"},
                                      {"dtype", "float32"},
                                      {"shape", {2, 3}},
                                      {"bytes", 24}}));
  EXPECT_THAT(result.standard_error, IsEmpty());
}

TEST(Inspect, HashesTheElementsWhenAsked) {
  const TemporaryDirectory directory;
  const ProgramResult result =
      torchkeep_program({"inspect", write_checkpoint(directory), "--json", "--hash"});
  // As `printf '\0\0\0\0\0\0\0\0' | sha256sum` has it.
  EXPECT_EQ(Json::parse(result.standard_output)["tensors"][1]["sha256"],
            "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc");
}

TEST(Inspect, TellsWhatIsWrongWithAFile) {
  const TemporaryDirectory directory;
  expect_error(directory / "missing.pt", "no such file");
  expect_error(directory.path(), "directory");
  expect_error(write_file(directory / "empty.pt", ""), "empty");
  expect_error(write_file(directory / "notes.pt", "learning rate 0.1 worked best\n"), "not");
}

TEST(Inspect, TellsThatAFileIsTruncatedWhereverItEnds) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = write_checkpoint(directory);
  const auto whole = std::filesystem::file_size(path);
  for (const std::uintmax_t left : {whole - 1, whole / 2, std::uintmax_t{64}, std::uintmax_t{4}}) {
    std::filesystem::resize_file(path, left);
    SCOPED_TRACE(left);
    expect_error(path, "");
  }
}

TEST(Inspect, LeavesNothingBehind) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = write_checkpoint(directory);
  const TemporaryDirectory working_directory;
  const RunOptions options{.working_directory = working_directory.path()};
  torchkeep_program({"inspect", path, "--hash"}, options);
  torchkeep_program({"inspect", directory / "missing.pt"}, options);
  EXPECT_EQ(count_files(directory), 1);
  EXPECT_EQ(count_files(working_directory), 0);
}

TEST(Inspect, TellsThatStandardOutputCannotBeWritten) {
  const TemporaryDirectory directory;
  const ProgramResult result =
      torchkeep_program({"inspect", write_checkpoint(directory)}, {.standard_output = "/dev/full"});
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_EQ(result.standard_error,
            "torchkeep: standard output: cannot be written (No space left on device)\n");
}

TEST(Inspect, TellsThatStandardOutputIsClosed) {
  const TemporaryDirectory directory;
  const ProgramResult result = run_program(
      {"sh", "-c", R"("$0" inspect "$1" >&-)", TORCHKEEP_PROGRAM, write_checkpoint(directory)});
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.standard_error, StartsWith("torchkeep: standard output: cannot be written"));
}

TEST(Inspect, EndsQuietlyWhenTheReaderGoesAway) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "large.pt";
  save(dict({{"text", std::string(1 << 20, 'x')}}), path);  // more than a pipe holds
  const ProgramResult result =
      run_program({"bash", "-c", R"("$0" inspect --json "$1" | true; exit ${PIPESTATUS[0]})",
                   TORCHKEEP_PROGRAM, path});
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_THAT(result.standard_error, IsEmpty());
}

}  // namespace
}  // namespace torchkeep::testing
