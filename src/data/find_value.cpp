#include "data/find_value.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "base/printable.h"
#include "base/similar.h"
#include "data/leaves.h"

namespace torchkeep {
namespace {

// A key may hold dots, so that one name can be cut in several ways: all are tried.
std::optional<Value> search(const Value& root, std::string_view name) {
  std::vector<std::pair<Value, std::string_view>> pending = {{root, name}};
  std::set<std::pair<const void*, std::size_t>> seen;
  while (!pending.empty()) {
    const auto [value, rest] = pending.back();
    pending.pop_back();
    if (!seen.emplace(value.identity(), rest.size()).second) continue;
    for (Child& child : children_of(value)) {
      if (rest == child.key) return std::move(child.value);
      if (rest.starts_with(child.key) && rest[child.key.size()] == '.') {
        pending.emplace_back(std::move(child.value), rest.substr(child.key.size() + 1));
      }
    }
  }
  return std::nullopt;
}

// The names of all leaves and of the containers around them.
std::set<std::string> all_names(const Value& root) {
  std::set<std::string> names;
  visit_leaves(root, [&](const std::string& name, const Value&) {
    for (std::size_t end = name.size(); end != std::string::npos && end > 0;
         end = name.rfind('.', end - 1)) {
      if (!names.insert(name.substr(0, end)).second) break;
    }
  });
  return names;
}

std::string advice_for(const Value& root, std::string_view name) {
  const std::set<std::string> names = all_names(root);
  const std::string ending = "." + std::string(name);
  const auto longer =
      std::ranges::find_if(names, [&](const std::string& each) { return each.ends_with(ending); });
  if (longer != names.end()) return fmt::format("did you mean '{}'?", printable(*longer));
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const auto similar = most_similar(name, candidates);
  if (similar) return fmt::format("did you mean '{}'?", printable(*similar));
  return "`torchkeep inspect` lists the names";
}

}  // namespace

Value find_value(const Value& root, std::string_view name) {
  if (name.empty()) return root;
  if (std::optional<Value> found = search(root, name)) return *std::move(found);
  fail_at(ErrorCode::not_found, {}, advice_for(root, name), "has nothing named '{}'",
          printable(name));
}

}  // namespace torchkeep
