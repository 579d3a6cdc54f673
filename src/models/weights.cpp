#include "models/weights.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <torchkeep/load.h>
#include <torchkeep/module.h>
#include <torchkeep/module_tree.h>

namespace torchkeep {

namespace weights_detail {

constexpr std::array<std::string_view, 3> kKeys = {"state_dict", "model_state_dict", "model"};
constexpr std::array<std::string_view, 2> kWrappers = {"module.", "_orig_mod."};

bool holds_only_tensors(const Value& value) {
  return value.is_dict() && std::ranges::all_of(value.as_dict(), [](const Dict::Entry& entry) {
           return entry.first.is_string() && entry.second.is_tensor();
         });
}

StateDict without_wrappers(StateDict state_dict) {
  const auto wrapper = std::ranges::find_if(kWrappers, [&](std::string_view prefix) {
    return !state_dict.empty() && std::ranges::all_of(state_dict, [&](const auto& entry) {
      return entry.name.starts_with(prefix);
    });
  });
  if (wrapper == kWrappers.end()) return state_dict;
  return without_wrappers(state_dict.without_prefix(*wrapper));
}

}  // namespace weights_detail

std::optional<StateDict> find_state_dict(const Value& value) {
  if (weights_detail::holds_only_tensors(value)) {
    return weights_detail::without_wrappers(value.as_state_dict());
  }
  for (const std::string_view key : weights_detail::kKeys) {
    const Value* below = value.find(key);
    if (below && weights_detail::holds_only_tensors(*below)) {
      return weights_detail::without_wrappers(below->as_state_dict());
    }
  }
  if (const auto found = find_module(value)) {
    return weights_detail::without_wrappers(state_dict(module_tree(*found->module)));
  }
  return std::nullopt;
}

void load_weights(torch::nn::Module& module, const std::filesystem::path& path) {
  const Value value = load(path);
  try {
    const auto state_dict = find_state_dict(value);
    // A value without one gets the error that says so.
    load_state_dict(module, state_dict ? Value(*state_dict) : value);
  } catch (Error& error) {
    error.add_place({.path = path.string()});
    throw;
  }
}

}  // namespace torchkeep
