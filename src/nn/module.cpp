#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <torchkeep/convert.h>
#include <torchkeep/module.h>

#include <ATen/MemoryOverlap.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/nn/module.h>

#include "base/fail.h"
#include "data/nested_state_dict.h"
#include "nn/frozen_modules.h"
#include "nn/libtorch_version.h"
#include "nn/module_walk.h"

namespace torchkeep {
namespace module_detail {

// Python writes each attribute name once and refers to it afterwards; sharing the value does the
// same here.
struct MetadataKeys {
  Value version{"version"};
  Value frozen{"frozen"};
};

Value metadata_entry(const torch::nn::Module& module, const MetadataKeys& keys) {
  Dict entry;
  entry.set(keys.version, state_dict_version(module));
  List frozen;
  for (const auto& parameter : module.named_parameters(/*recurse=*/false)) {
    if (parameter.value().defined() && !parameter.value().requires_grad()) {
      frozen.push_back(parameter.key());
    }
  }
  if (!frozen.empty()) entry.set(keys.frozen, std::move(frozen));
  return entry;
}

std::vector<TensorForm> form_of(const std::vector<NamedTensor>& tensors) {
  std::vector<TensorForm> form;
  for (const NamedTensor& each : tensors) {
    form.push_back(
        {each.name, static_cast<DType>(each.tensor.scalar_type()), each.tensor.sizes().vec()});
  }
  return form;
}

// The entry of `_metadata` for a module path; null if there is none.
const Value* metadata_of(const StateDict& state_dict, const std::string& path) {
  return state_dict.metadata().find(path);
}

// Before version 2 batch and instance norms did not count batches: the count starts at 0 then.
StateDict with_missing_counts(const torch::nn::Module& module, const StateDict& state_dict) {
  StateDict completed = state_dict;
  for_each_module(module, [&](const std::string& path, const torch::nn::Module& each) {
    if (state_dict_version(each) < 2) return;
    const Value* entry = metadata_of(state_dict, path);
    const Value* version = entry ? entry->find("version") : nullptr;
    if (version && version->is_int() && version->as_int() >= 2) return;
    const std::string name = join_path(path, "num_batches_tracked");
    if (state_dict.contains(name) || !state_dict.contains(join_path(path, "running_mean"))) return;
    completed.set(name, Tensor::scalar(std::int64_t{0}));
  });
  return completed;
}

// The memory that a load writes to, as disjoint ranges of addresses.
class WrittenMemory {
 public:
  explicit WrittenMemory(const std::vector<NamedTensor>& tensors) {
    std::vector<Range> ranges;
    for (const NamedTensor& each : tensors) {
      if (!each.tensor.device().is_cpu() || !each.tensor.has_storage()) continue;
      const c10::Storage& storage = each.tensor.storage();
      ranges.push_back(range(storage_data(storage), storage.nbytes()));
    }
    std::sort(ranges.begin(), ranges.end());
    for (const Range& next : ranges) {
      if (!ranges_.empty() && next.first <= ranges_.back().second) {
        ranges_.back().second = std::max(ranges_.back().second, next.second);
      } else {
        ranges_.push_back(next);
      }
    }
  }

  bool overlaps(const Storage& storage) const {
    const auto [begin, end] = range(storage.bytes().data(), storage.size_bytes());
    const auto after = std::lower_bound(ranges_.begin(), ranges_.end(), Range{end, 0});
    return after != ranges_.begin() && std::prev(after)->second > begin;
  }

 private:
  using Range = std::pair<std::uintptr_t, std::uintptr_t>;  // begin, end
  static Range range(const void* data, std::uint64_t bytes) {
    const auto begin = reinterpret_cast<std::uintptr_t>(data);
    return {begin, begin + bytes};
  }
  std::vector<Range> ranges_;
};

struct Copy {
  at::Tensor to;
  at::Tensor from;
};

void check_writable(const NamedTensor& each) {
  if (each.tensor.is_inference() && !c10::InferenceMode::is_enabled()) {
    fail_at(ErrorCode::invalid_argument, {.tensor = each.name}, "",
            "the model's tensor was made in inference mode and cannot be written to");
  }
  if (at::has_internal_overlap(each.tensor) == at::MemOverlap::Yes) {
    fail_at(ErrorCode::invalid_argument, {.tensor = each.name}, "make it contiguous in the model",
            "several elements of the model's tensor lie in one place of the memory");
  }
}

std::vector<Copy> plan_copies(const std::vector<NamedTensor>& tensors,
                              const StateDict& state_dict,
                              const std::vector<std::string>& loaded_keys) {
  const std::unordered_set<std::string_view> loaded(loaded_keys.begin(), loaded_keys.end());
  const WrittenMemory written(tensors);
  std::vector<Copy> copies;
  for (const NamedTensor& each : tensors) {
    if (!loaded.contains(each.name)) continue;
    check_writable(each);
    const Tensor& source = state_dict[each.name];
    try {
      at::Tensor from = to_torch(source);
      // A tensor that another copy overwrites first would arrive changed.
      if (written.overlaps(source.storage())) from = from.clone();
      copies.push_back({each.tensor, from.reshape_as(each.tensor)});
    } catch (Error& error) {
      error.add_place({.tensor = each.name});
      throw;
    }
  }
  return copies;
}

struct Freezing {
  at::Tensor parameter;
  bool trainable = true;
};

// What the notes in the metadata say about the parameters of the modules that have notes.
std::vector<Freezing> plan_freezing(const torch::nn::Module& module, const StateDict& state_dict) {
  std::vector<Freezing> plan;
  for_each_module(module, [&](const std::string& path, const torch::nn::Module& each) {
    const Value* entry = metadata_of(state_dict, path);
    const Value* notes = entry ? entry->find("frozen") : nullptr;
    if (!notes || !notes->is_list()) return;
    std::unordered_set<std::string> frozen;
    for (const Value& note : notes->items()) {
      if (note.is_string()) frozen.insert(note.as_string());
    }
    for (const auto& parameter : each.named_parameters(/*recurse=*/false)) {
      const at::Tensor& tensor = parameter.value();
      if (!tensor.defined() || !tensor.is_floating_point()) continue;
      plan.push_back({tensor, !frozen.contains(parameter.key())});
    }
  });
  return plan;
}

void check_strictness(const LoadReport& report, LoadStateDictOptions::Strictness strictness) {
  using Strictness = LoadStateDictOptions::Strictness;
  const bool refused = strictness == Strictness::strict     ? !report.ok()
                       : strictness == Strictness::tolerant ? !report.mismatched_keys.empty()
                                                            : false;
  if (refused) throw MismatchError(report);
}

}  // namespace module_detail

StateDict state_dict(const torch::nn::Module& module) {
  const module_detail::MetadataKeys keys;
  StateDict result;
  Dict metadata(Dict::Type::ordered);
  for_each_module(module, [&](const std::string& path, const torch::nn::Module& each) {
    metadata.set(path, module_detail::metadata_entry(each, keys));
    for (NamedTensor& named : own_tensors(each, path)) {
      try {
        result.set(named.name, from_torch(named.tensor));
      } catch (Error& error) {
        error.add_place({.tensor = named.name});
        throw;
      }
    }
  });
  result.set_metadata(std::move(metadata));
  return result;
}

LoadReport load_state_dict(torch::nn::Module& module,
                           const StateDict& state_dict,
                           const LoadStateDictOptions& options) {
  const std::vector<NamedTensor> tensors = all_tensors(module);
  const StateDict source = module_detail::with_missing_counts(module, state_dict);
  LoadReport report = match(module_detail::form_of(tensors), source);
  module_detail::check_strictness(report, options.strictness);
  const auto copies = module_detail::plan_copies(tensors, source, report.loaded_keys);
  const auto freezing = options.frozen == LoadStateDictOptions::Frozen::apply
                            ? module_detail::plan_freezing(module, state_dict)
                            : std::vector<module_detail::Freezing>();
  const c10::NoGradGuard no_grad;
  for (const module_detail::Copy& copy : copies) copy.to.copy_(copy.from);
  if (!freezing.empty()) {
    const auto frozen_before = frozen_modules(module);
    for (const auto& each : freezing) each.parameter.set_requires_grad(each.trainable);
    hold_frozen_modules(module, frozen_before);
  }
  return report;
}

LoadReport load_state_dict(torch::nn::Module& module,
                           const Value& state_dict,
                           const LoadStateDictOptions& options) {
  return load_state_dict(module, state_dict_in(state_dict, state_dict_form(module)), options);
}

std::vector<TensorForm> state_dict_form(const torch::nn::Module& module) {
  return module_detail::form_of(all_tensors(module));
}

}  // namespace torchkeep
