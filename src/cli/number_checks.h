// Checks of numbers on the command line whose messages say what was expected.
#pragma once

#include <CLI/CLI.hpp>

namespace torchkeep::cli {

CLI::Validator positive_number();      // above 0
CLI::Validator non_negative_number();  // 0 or above

}  // namespace torchkeep::cli
