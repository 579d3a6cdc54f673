#include "inspect/restored.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/fail.h"
#include "data/leaves.h"

namespace torchkeep::inspection {
namespace {

using Condition = RestoredTensor::Condition;

struct Judgement {
  Condition condition = Condition::whole;
  bool is_kept = true;
  std::string reason;
};

// The bytes of the storage that the tensor's elements lie in: from first to before second.
std::pair<std::uint64_t, std::uint64_t> extent_of(const Tensor& tensor) {
  if (tensor.numel() == 0) return {0, 0};
  std::int64_t last = tensor.storage_offset();
  for (std::size_t i = 0; i < tensor.shape().size(); ++i) {
    last += (tensor.shape()[i] - 1) * tensor.strides()[i];
  }
  const auto item = static_cast<std::uint64_t>(item_bytes(tensor.dtype()));
  return {static_cast<std::uint64_t>(tensor.storage_offset()) * item,
          (static_cast<std::uint64_t>(last) + 1) * item};
}

class Judge {
 public:
  Judge(const Restored& restored, const RepairOptions& options)
      : restored_(restored), options_(options) {}

  Judgement of(const Tensor& tensor) const {
    Judgement judgement = of(tensor.storage(), extent_of(tensor));
    const auto& quantizer = tensor.quantizer();
    if (quantizer == nullptr || !judgement.is_kept) return judgement;
    for (const Tensor* part : {&quantizer->scales, &quantizer->zero_points}) {
      Judgement of_part = of(part->storage(), extent_of(*part));
      if (of_part.condition > judgement.condition) judgement = std::move(of_part);
    }
    return judgement;
  }

  Judgement of(const Storage& storage) const { return of(storage, {0, storage.size_bytes()}); }

 private:
  Judgement of(const Storage& storage, std::pair<std::uint64_t, std::uint64_t> extent) const {
    if (extent.first == extent.second) return {};
    // A storage may be a part of another one.
    const std::byte* data = storage.bytes().data();
    auto next = restored_.storages.upper_bound(data);
    if (next == restored_.storages.begin()) return {};
    const auto& [memory, state] = *--next;
    const auto shift = static_cast<std::uint64_t>(data - memory);
    if (shift >= state.bytes) return {};
    const std::uint64_t begin = extent.first + shift;
    const std::uint64_t end = extent.second + shift;
    if (state.available >= end) {
      const bool is_damaged = state.content == Condition::damaged;
      return {state.content, !is_damaged || options_.keep_damaged, state.reason};
    }
    const bool is_partial = state.available > begin;
    return {is_partial ? Condition::partial : Condition::lost,
            is_partial && options_.fill_partial &&
                (state.content != Condition::damaged || options_.keep_damaged),
            state.reason};
  }

  const Restored& restored_;
  const RepairOptions& options_;
};

// Finds out, without recursion, which values are lost as a whole.
class Pruner {
 public:
  explicit Pruner(Judge judge) : judge_(judge) {}

  bool run(const Value& root) {
    settle(root);
    return !is_lost(root);
  }

 private:
  // What a value holds that cannot be taken out of it.
  static std::vector<Value> fixed_parts(const Value& value) {
    if (value.is_tuple()) return value.as_tuple();
    if (!value.is_object()) return {};
    const Object& object = value.as_object();
    return {object.callee(), object.arguments(), object.state};
  }

  // What it holds that can.
  static std::vector<Value> loose_parts(const Value& value) {
    std::vector<Value> parts;
    if (value.is_list() || value.is_set()) {
      parts = value.items();
    } else if (value.is_dict()) {
      for (const auto& [key, item] : value.as_dict()) parts.push_back(item);
      parts.push_back(value.as_dict().attributes());
    } else if (value.is_object()) {
      const Object& object = value.as_object();
      parts = object.list_items;
      for (const auto& [key, item] : object.dict_items) parts.push_back(item);
      parts.push_back(object.keyword_arguments);
    }
    return parts;
  }

  bool is_lost(const Value& value) const {
    if (value.is_tensor()) return !judge_.of(value.as_tensor()).is_kept;
    if (value.is_storage()) return !judge_.of(value.as_storage()).is_kept;
    return lost_.contains(value.identity());
  }

  // Visits the parts before the whole.
  void settle(const Value& root) {
    std::vector<std::pair<Value, bool>> waiting = {{root, false}};
    while (!waiting.empty()) {
      const auto [value, is_ready] = std::move(waiting.back());
      waiting.pop_back();
      const bool holds_others = value.is_tuple() || value.is_object() || value.is_list() ||
                                value.is_set() || value.is_dict();
      if (!holds_others) continue;
      if (is_ready) {
        finish(value);
      } else if (seen_.insert(value.identity()).second) {
        waiting.emplace_back(value, true);
        for (Value& part : fixed_parts(value)) waiting.emplace_back(std::move(part), false);
        for (Value& part : loose_parts(value)) waiting.emplace_back(std::move(part), false);
      }
    }
  }

  void finish(const Value& value) {
    for (const Value& part : fixed_parts(value)) {
      if (is_lost(part)) lost_.insert(value.identity());
    }
    if (value.is_list()) {
      for (Value& item : value.as_list()) {
        if (is_lost(item)) item = Value();
      }
    } else if (value.is_set()) {
      std::erase_if(value.as_set(), [&](const Value& item) { return is_lost(item); });
    } else if (value.is_dict()) {
      finish(value.as_dict());
    } else if (value.is_object()) {
      Object& object = value.as_object();
      for (Value& item : object.list_items) {
        if (is_lost(item)) item = Value();
      }
      std::erase_if(object.dict_items, [&](const auto& entry) { return is_lost(entry.second); });
    }
  }

  void finish(Dict& dict) {
    const std::vector<Dict::Entry> entries(dict.begin(), dict.end());
    const auto is_lost_entry = [&](const Dict::Entry& entry) { return is_lost(entry.second); };
    if (is_lost(dict.attributes())) dict.set_attributes(Value());
    if (std::ranges::none_of(entries, is_lost_entry)) return;
    dict.clear();
    for (const Dict::Entry& entry : entries) {
      if (!is_lost_entry(entry)) dict.set(entry.first, entry.second);
    }
  }

  Judge judge_;
  std::unordered_set<const void*> seen_;
  std::unordered_set<const void*> lost_;
};

}  // namespace

std::vector<RestoredTensor> list_tensors(const Restored& restored, const RepairOptions& options) {
  const Judge judge(restored, options);
  std::vector<RestoredTensor> tensors;
  std::uint64_t left = options.limits.max_summary_bytes;
  visit_leaves(restored.value, [&](const std::string& name, const Value& leaf) {
    if (!leaf.is_tensor()) return;
    const Tensor& tensor = leaf.as_tensor();
    Judgement judgement = judge.of(tensor);
    const std::uint64_t needed = name.size() + judgement.reason.size() + sizeof(RestoredTensor);
    if (needed > left) {
      fail(ErrorCode::unsafe,
           "the names of all tensors together are too long (expected at most {} bytes: "
           "max_summary_bytes)",
           options.limits.max_summary_bytes);
    }
    left -= needed;
    tensors.push_back({name, tensor.dtype(), tensor.shape(), judgement.condition, judgement.is_kept,
                       std::move(judgement.reason)});
  });
  return tensors;
}

bool prune(Restored& restored, const RepairOptions& options) {
  return restored.has_value && Pruner(Judge(restored, options)).run(restored.value);
}

}  // namespace torchkeep::inspection
