#include "base/similar.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace torchkeep {
namespace {

// Levenshtein's distance: insertions, deletions and replacements of single characters.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> most_similar(std::string_view name,
                                        std::span<const std::string_view> candidates) {
  const std::size_t limit = std::max<std::size_t>(name.size() / 3, 1);
  std::size_t best = limit + 1;
  std::optional<std::string> similar;
  for (const std::string_view candidate : candidates) {
    const std::size_t longer = std::max(candidate.size(), name.size());
    if (longer - std::min(candidate.size(), name.size()) >= best) continue;
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best) {
      best = distance;
      similar = candidate;
    }
  }
  return similar;
}

}  // namespace torchkeep
