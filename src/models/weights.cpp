#include "models/weights.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <torchkeep/convert.h>
#include <torchkeep/load.h>
#include <torchkeep/module.h>
#include <torchkeep/module_tree.h>

#include <ATen/Functions.h>

#include "base/fail.h"

namespace torchkeep {

namespace weights_detail {

constexpr std::array<std::string_view, 4> kKeys = {"state_dict", "model_state_dict", "model",
                                                   "net"};
constexpr std::array<std::string_view, 4> kWrappers = {"module.", "_orig_mod.", "model.", "net."};

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

// The weight of the first convolution for another number of input channels.
Tensor with_channels(const Tensor& weight, std::int64_t channels) {
  const at::Tensor before = to_torch(weight);
  const std::int64_t had = before.size(1);
  if (channels == 1) return from_torch(before.sum(1, /*keepdim=*/true));
  const std::int64_t repeats = (channels + had - 1) / had;
  const double factor = static_cast<double>(had) / static_cast<double>(channels);
  const at::Tensor repeated = before.repeat({1, repeats, 1, 1}).narrow(1, 0, channels);
  return from_torch((repeated * factor).contiguous());
}

bool is_left_out(const std::string& name, const Architecture& architecture, const Model& model) {
  const auto& classifier = dynamic_cast<const Classifier&>(model.module());
  if (classifier.options().aux_logits.value_or(true)) return false;
  return std::ranges::any_of(architecture.auxiliary,
                             [&](const std::string& prefix) { return name.starts_with(prefix); });
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

StateDict read_weights(const std::filesystem::path& path) {
  auto state_dict = find_state_dict(load(path));
  if (state_dict) return std::move(*state_dict);
  fail_at(ErrorCode::mismatch, {.path = path.string()},
          "save model.state_dict(), bare or under one of these keys",
          "no state dict in it, and none under {}", fmt::join(weights_detail::kKeys, ", "));
}

std::int64_t classes_in(const StateDict& weights,
                        const Architecture& architecture,
                        const ClassifierOptions& options) {
  const Tensor* head = weights.find(architecture.heads.front() + ".weight");
  return head && !head->shape().empty() ? head->shape().front() : options.num_classes;
}

StateDict fitted(const StateDict& weights, const Architecture& architecture, const Model& model) {
  const TensorForm first = state_dict_form(model.module()).front();
  StateDict result;
  result.set_metadata(weights.metadata());
  for (const auto& [old_name, tensor] : weights) {
    const std::string name = architecture.renamed ? architecture.renamed(old_name) : old_name;
    if (weights_detail::is_left_out(name, architecture, model)) continue;
    const bool adapts = name == first.name && tensor.shape().size() == first.shape.size() &&
                        tensor.shape()[1] != first.shape[1] && tensor.shape()[1] > 0;
    result.set(name, adapts ? weights_detail::with_channels(tensor, first.shape[1]) : tensor);
  }
  return result;
}

}  // namespace torchkeep
