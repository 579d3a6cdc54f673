// Options of a command from a TOML file.
#pragma once

#include <filesystem>

#include <CLI/App.hpp>

namespace torchkeep::cli {

// Gives the options that the command line does not name the values of the file, under their long
// names: `batch-size = 32` (or batch_size). Throws not_found; invalid_argument for names that the
// command does not have and for values that it does not take.
void apply_config_file(CLI::App& command, const std::filesystem::path& file);

}  // namespace torchkeep::cli
