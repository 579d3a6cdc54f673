#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "data/match_renaming.h"

namespace torchkeep {
namespace {

constexpr std::size_t kMaxDigits = 9;

// The names below a child of a list and the shapes of their tensors.
using ChildForm = std::set<std::pair<std::string_view, Shape>>;
using Children = std::map<int, ChildForm>;           // by number
using Lists = std::map<std::string_view, Children>;  // by the prefix of the children

std::optional<int> number(std::string_view component) {
  if (component.empty() || component.size() > kMaxDigits) return std::nullopt;
  int value = 0;
  for (const char c : component) {
    if (c < '0' || c > '9') return std::nullopt;
    value = 10 * value + (c - '0');
  }
  return value;
}

void add(Lists& lists, std::string_view name, const Shape& shape) {
  std::size_t start = 0;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos;
       dot = name.find('.', start)) {
    if (const auto index = number(name.substr(start, dot - start))) {
      lists[name.substr(0, start)][*index].emplace(name.substr(dot + 1), shape);
    }
    start = dot + 1;
  }
}

std::map<ChildForm, std::vector<int>> by_form(const Children& children) {
  std::map<ChildForm, std::vector<int>> result;
  for (const auto& [index, form] : children) result[form].push_back(index);
  return result;
}

// The new number of each child, where both lists have equally many of its form; empty if that would
// change the order.
std::map<int, int> align(const Children& found, const Children& expected) {
  const auto places = by_form(expected);
  std::map<int, int> new_number;
  for (const auto& [form, indexes] : by_form(found)) {
    const auto same = places.find(form);
    if (same == places.end() || same->second.size() != indexes.size()) continue;
    for (std::size_t i = 0; i < indexes.size(); ++i) new_number[indexes[i]] = same->second[i];
  }
  const bool is_ordered =
      std::is_sorted(new_number.begin(), new_number.end(),
                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return is_ordered ? new_number : std::map<int, int>();
}

}  // namespace

Renaming find_renumbered_lists(const std::vector<TensorForm>& expected, const StateDict& found) {
  Lists expected_lists;
  Lists found_lists;
  for (const TensorForm& form : expected) add(expected_lists, form.name, form.shape);
  for (const StateDict::Entry& entry : found) add(found_lists, entry.name, entry.tensor.shape());
  Renaming renaming;
  for (const auto& [prefix, children] : found_lists) {
    const auto same = expected_lists.find(prefix);
    if (same == expected_lists.end()) continue;
    for (const auto& [from, to] : align(children, same->second)) {
      if (from == to) continue;
      const std::string list(prefix);
      renaming.push_back({list + std::to_string(from) + ".", list + std::to_string(to) + "."});
    }
  }
  return renaming;
}

}  // namespace torchkeep
