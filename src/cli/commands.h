// The commands: one function a command, each in a file of its own.
#pragma once

#include "cli/program.h"

namespace torchkeep::cli {

// Of the program `torchkeep`.
void add_inspect_command(Program& program);

}  // namespace torchkeep::cli
