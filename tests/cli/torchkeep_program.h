// The program under test.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "support/run_program.h"

namespace torchkeep::testing {

// Runs `torchkeep` with these arguments.
inline ProgramResult torchkeep_program(std::vector<std::string> arguments,
                                       const RunOptions& options = {}) {
  arguments.insert(arguments.begin(), TORCHKEEP_PROGRAM);
  return run_program(arguments, options);
}

// The arguments with `more`, options and their values, of which each replaces the one there.
inline std::vector<std::string> with_options(std::vector<std::string> arguments,
                                             const std::vector<std::string>& more) {
  for (std::size_t i = 0; i < more.size(); i += 2) {
    const auto known = std::find(arguments.begin(), arguments.end(), more[i]);
    if (known != arguments.end()) arguments.erase(known, known + 2);
  }
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace torchkeep::testing
