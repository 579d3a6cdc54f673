// What is wrong with a command line, in one sentence with a hint.
#pragma once

#include <string>

#include <CLI/App.hpp>

namespace torchkeep::cli {

// `app` is the program whose parse() threw `error`. The text names the command, what is wrong, the
// nearest known name for an unknown one, and where the help is.
std::string explain_usage_error(const CLI::App& app, const CLI::ParseError& error);

}  // namespace torchkeep::cli
