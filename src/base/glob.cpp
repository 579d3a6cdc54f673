#include "base/glob.h"

#include <vector>

#include <fnmatch.h>

namespace torchkeep {
namespace {

// What stands between the stars: one more than there are stars.
std::vector<std::string_view> pieces_of(std::string_view pattern) {
  std::vector<std::string_view> pieces;
  for (std::size_t star = pattern.find('*'); star != std::string_view::npos;
       star = pattern.find('*')) {
    pieces.push_back(pattern.substr(0, star));
    pattern.remove_prefix(star + 1);
  }
  pieces.push_back(pattern);
  return pieces;
}

// The texts that the stars stand for.
std::optional<std::vector<std::string_view>> captures_of(
    const std::vector<std::string_view>& pieces,
    std::string_view name) {
  std::vector<std::string_view> captures;
  if (!name.starts_with(pieces.front())) return std::nullopt;
  name.remove_prefix(pieces.front().size());
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    const bool is_last = i + 1 == pieces.size();
    if (is_last && (name.size() < pieces[i].size() || !name.ends_with(pieces[i]))) {
      return std::nullopt;
    }
    const std::size_t end = is_last ? name.size() - pieces[i].size() : name.find(pieces[i]);
    if (end == std::string_view::npos) return std::nullopt;
    captures.push_back(name.substr(0, end));
    name.remove_prefix(end + pieces[i].size());
  }
  if (!name.empty()) return std::nullopt;
  return captures;
}

}  // namespace

bool matches_glob(std::string_view glob, std::string_view name) {
  return fnmatch(std::string(glob).c_str(), std::string(name).c_str(), FNM_NOESCAPE) == 0;
}

std::optional<std::string> rename_by_glob(std::string_view from,
                                          std::string_view to,
                                          std::string_view name) {
  const auto captures = captures_of(pieces_of(from), name);
  if (!captures) return std::nullopt;
  std::string renamed;
  std::size_t next = 0;
  for (const char c : to) {
    if (c == '*' && next < captures->size()) {
      renamed += (*captures)[next++];
    } else {
      renamed += c;
    }
  }
  return renamed;
}

}  // namespace torchkeep
