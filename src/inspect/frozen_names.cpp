#include "inspect/frozen_names.h"

#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace torchkeep::inspection {
namespace {

using Names = std::set<std::string>;

std::string joined(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

void add_strings(const Value* list, const std::string& path, Names& names) {
  if (list == nullptr || !list->is_list()) return;
  for (const Value& name : list->items()) {
    if (name.is_string()) names.insert(joined(path, name.as_string()));
  }
}

// Each module's entry names its own parameters.
void add_metadata(const Value& state_dict, const std::string& path, Names& names) {
  const Value* metadata = state_dict.as_dict().attributes().find("_metadata");
  if (metadata == nullptr || !metadata->is_dict()) return;
  for (const auto& [module, entry] : metadata->as_dict()) {
    if (!module.is_string()) continue;
    const std::string& name = module.as_string();
    add_strings(entry.find("frozen"), name.empty() ? path : joined(path, name), names);
  }
}

// Of a checkpoint and of a whole model: names below their state dict.
void add_lists(const Value& dict, const std::string& path, Names& names) {
  for (const char* key : {"model_state_dict", "state_dict"}) {
    if (!dict.contains(key)) continue;
    const std::string below = joined(path, key);
    if (const Value* plan = dict.find("freeze_plan")) {
      add_strings(plan->find("frozen"), below, names);
    }
    add_strings(dict.find("frozen"), below, names);
  }
}

}  // namespace

std::vector<std::string> frozen_names(const Value& root) {
  Names names;
  std::unordered_set<const void*> seen;
  std::vector<std::pair<std::string, Value>> pending = {{"", root}};
  while (!pending.empty()) {
    const auto [path, value] = std::move(pending.back());
    pending.pop_back();
    if (!value.is_dict() || !seen.insert(value.identity()).second) continue;
    add_metadata(value, path, names);
    add_lists(value, path, names);
    for (const auto& [key, below] : value.as_dict()) {
      if (key.is_string() && below.is_dict()) {
        pending.emplace_back(joined(path, key.as_string()), below);
      }
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace torchkeep::inspection
