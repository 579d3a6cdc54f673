// What the program says to command lines that are wrong, and to questions about itself.
#include <filesystem>
#include <string>

#include <torchkeep/version.h>

#include <gmock/gmock.h>

#include "cli/torchkeep_program.h"
#include "support/temporary_directory.h"

namespace torchkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Arguments = std::vector<std::string>;

void expect_wrong_usage(const Arguments& arguments, const std::string& message) {
  const ProgramResult result = torchkeep_program(arguments);
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_EQ(result.standard_error, "torchkeep: " + message + "\n");
  EXPECT_THAT(result.standard_output, IsEmpty());
}

TEST(Usage, TellsTheVersion) {
  const ProgramResult result = torchkeep_program({"--version"});
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_EQ(result.standard_output, "torchkeep " TORCHKEEP_VERSION "\n");
}

TEST(Usage, HelpListsTheCommandsAndTeachesWithExamples) {
  const ProgramResult result = torchkeep_program({"--help"});
  EXPECT_EQ(result.exit_status, 0);
  for (const char* text : {"inspect", "train", "resume", "eval", "Examples:", "Exit status:"}) {
    EXPECT_THAT(result.standard_output, HasSubstr(text));
  }
  EXPECT_THAT(result.standard_error, IsEmpty());
}

TEST(Usage, HelpOfACommandShowsItsOptionsAndExamples) {
  const ProgramResult result = torchkeep_program({"inspect", "--help"});
  EXPECT_EQ(result.exit_status, 0);
  for (const char* text : {"torchkeep inspect", "--json", "--hash", "Examples:"}) {
    EXPECT_THAT(result.standard_output, HasSubstr(text));
  }
}

TEST(Usage, WithoutACommandShowsTheHelpOnStandardError) {
  const ProgramResult result = torchkeep_program({});
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_THAT(result.standard_error, StartsWith("torchkeep: missing command\n"));
  EXPECT_THAT(result.standard_error, HasSubstr("inspect"));
  EXPECT_THAT(result.standard_output, IsEmpty());
}

TEST(Usage, ProposesTheNearestCommand) {
  expect_wrong_usage({"inspet", "model.pt"},
                     "unknown command 'inspet'; did you mean 'inspect'? (see 'torchkeep --help')");
}

TEST(Usage, ProposesNothingForACommandLikeNoOther) {
  expect_wrong_usage({"frobnicate"}, "unknown command 'frobnicate' (see 'torchkeep --help')");
}

TEST(Usage, ProposesTheNearestOption) {
  expect_wrong_usage({"inspect", "model.pt", "--jsn"},
                     "inspect: unknown option '--jsn'; did you mean '--json'? "
                     "(see 'torchkeep inspect --help')");
}

TEST(Usage, NamesAMissingArgument) {
  expect_wrong_usage({"inspect"}, "inspect: FILE is required (see 'torchkeep inspect --help')");
}

TEST(Usage, NamesAnArgumentTooMany) {
  expect_wrong_usage({"inspect", "a.pt", "b.pt"},
                     "inspect: unexpected argument 'b.pt' (see 'torchkeep inspect --help')");
}

TEST(Usage, RefusesAValueForAFlag) {
  const ProgramResult result = torchkeep_program({"inspect", "a.pt", "--json=often"});
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_THAT(result.standard_error, HasSubstr("often"));
}

#ifndef TORCHKEEP_WITH_TORCH
TEST(Usage, SaysThatThisBuildHasNoLibTorch) {
  const ProgramResult result = torchkeep_program({"train", "--epochs", "3"});
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.standard_error,
              StartsWith("torchkeep: the command 'train' needs LibTorch, and this torchkeep was "
                         "built without it"));
}
#else
TEST(Usage, StartsTheProgramWithLibTorchForItsCommands) {
  const ProgramResult result = torchkeep_program({"train", "--help"});
  EXPECT_EQ(result.exit_status, 0) << result.standard_error;
  EXPECT_THAT(result.standard_output, HasSubstr("torchkeep train"));
}

TEST(Usage, ChecksTheOptionsOfACommandWithLibTorch) {
  const ProgramResult result = torchkeep_program({"train", "--no-such-option"});
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_THAT(result.standard_error,
              StartsWith("torchkeep: train: unknown option '--no-such-option'"));
}

TEST(Usage, SaysWhichNumbersAnOptionTakes) {
  for (const char* text : {"0", "-1", "abc", "inf"}) {
    const ProgramResult result = torchkeep_program({"train", "--lr", text});
    EXPECT_EQ(result.exit_status, 2);
    EXPECT_THAT(result.standard_error,
                StartsWith("torchkeep: train: --lr: expected a number above 0, got "));
  }
}
#endif

}  // namespace
}  // namespace torchkeep::testing
