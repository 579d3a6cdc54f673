// The program under test.
#pragma once

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

}  // namespace torchkeep::testing
