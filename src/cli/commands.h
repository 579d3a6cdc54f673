// The commands: one function a command, each in a file of its own.
#pragma once

#include "cli/program.h"

namespace torchkeep::cli {}  // namespace torchkeep::cli
