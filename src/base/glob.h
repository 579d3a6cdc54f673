// Patterns of names, as in a shell.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace torchkeep {

// "*", "?" and "[...]", over the whole name; "*" also spans dots.
bool matches_glob(std::string_view glob, std::string_view name);

// What `name` becomes where "*" in `from` stands for any text, as little as possible, and each "*"
// in `to` for the text of the "*" of the same place; nothing where it does not match.
std::optional<std::string> rename_by_glob(std::string_view from,
                                          std::string_view to,
                                          std::string_view name);

}  // namespace torchkeep
