// The name that somebody probably meant.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace torchkeep {

// The candidate with the smallest edit distance (insertions, deletions, replacements, exchanges of
// neighbours), if that is at most a third of the name's length; the first of equals. Cost: the
// product of the lengths for each candidate of similar length.
std::optional<std::string> most_similar(std::string_view name,
                                        std::span<const std::string_view> candidates);

}  // namespace torchkeep
