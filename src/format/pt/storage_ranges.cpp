#include "format/pt/storage_ranges.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "data/children.h"

namespace torchkeep::pt {
namespace {

// Calls `visit` once with each tensor and each storage in a value.
template <class Visit>
void visit_tensors_and_storages(const Value& root, Visit visit) {
  std::unordered_set<const void*> seen;
  std::vector<Value> pending = {root};
  while (!pending.empty()) {
    const Value value = std::move(pending.back());
    pending.pop_back();
    if (value.identity() == nullptr || !seen.insert(value.identity()).second) continue;
    if (value.is_tensor() || value.is_storage()) visit(value);
    for_each_child(value, [&](const Value& child) { pending.push_back(child); });
  }
}

// In elements from the start of the storage; of a tensor that has elements.
std::int64_t last_element(const Tensor& tensor) {
  std::int64_t last = tensor.storage_offset();
  for (std::size_t d = 0; d < tensor.shape().size(); ++d) {
    last += (tensor.shape()[d] - 1) * tensor.strides()[d];
  }
  return last;
}

}  // namespace

StorageRanges StorageRanges::used_by(const Value& value) {
  StorageRanges ranges;
  visit_tensors_and_storages(value, [&](const Value& found) {
    if (found.is_storage()) return ranges.add_whole(found.as_storage());
    const Tensor& tensor = found.as_tensor();
    ranges.add(tensor);
    if (const auto& quantizer = tensor.quantizer()) {
      ranges.add(quantizer->scales);
      ranges.add(quantizer->zero_points);
    }
  });
  return ranges;
}

StorageRanges StorageRanges::to_write(const Value& value, Storages storages) {
  return storages == Storages::compact ? used_by(value) : StorageRanges();
}

Range StorageRanges::of(const Storage& storage) const {
  const Range whole = {0, storage.size_bytes()};
  const auto found = uses_.find({storage.bytes().data(), storage.size_bytes()});
  if (found == uses_.end()) return whole;
  const auto& [range, unit] = found->second;
  if (range.begin >= range.end) return {0, 0};
  return {range.begin / unit * unit, range.end};
}

void StorageRanges::add(const Tensor& tensor) {
  const Storage& storage = tensor.storage();
  if (items_per_byte(tensor.dtype()) != 1) return add_whole(storage);
  const auto [entry, is_new] = uses_.try_emplace({storage.bytes().data(), storage.size_bytes()},
                                                 Use{{storage.size_bytes(), 0}, 1});
  if (tensor.numel() == 0) return;
  Use& use = entry->second;
  const auto item = static_cast<std::uint64_t>(item_bytes(tensor.dtype()));
  const auto first = static_cast<std::uint64_t>(tensor.storage_offset());
  const auto last = static_cast<std::uint64_t>(last_element(tensor));
  use.unit = std::max(use.unit, item);
  use.range.begin = std::min(use.range.begin, first * item);
  use.range.end = std::max(use.range.end, (last + 1) * item);
}

void StorageRanges::add_whole(const Storage& storage) {
  uses_[{storage.bytes().data(), storage.size_bytes()}].range = {0, storage.size_bytes()};
}

}  // namespace torchkeep::pt
