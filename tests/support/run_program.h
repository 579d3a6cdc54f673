// Running a program to its end, as a shell would, and looking at what it said.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace torchkeep::testing {

struct ProgramResult {
  int exit_status = 0;          // 128 + the signal for a process that was killed, as in a shell
  std::string standard_output;  // empty where it was not captured
  std::string standard_error;
};

struct RunOptions {
  std::filesystem::path working_directory = {};  // empty: that of the test
  // Where standard output goes instead of into the result; a file or a device such as /dev/full.
  std::optional<std::filesystem::path> standard_output = std::nullopt;
};

// Starts `command`, looked for on PATH unless it has a slash, with an empty standard input, and
// waits for it. Throws std::system_error if it cannot be started.
ProgramResult run_program(const std::vector<std::string>& command, const RunOptions& options = {});

}  // namespace torchkeep::testing
