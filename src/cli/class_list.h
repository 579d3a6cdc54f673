// Lists of classes on the command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/App.hpp>

namespace torchkeep::cli {

// "0-4,7" -> 0, 1, 2, 3, 4, 7. Throws invalid_argument.
std::vector<std::int64_t> parse_classes(const std::string& text);

// For an option that takes such a list.
CLI::Validator classes_validator();

}  // namespace torchkeep::cli
