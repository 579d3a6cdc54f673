#include "format/named_tensors.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <unordered_set>

#include "base/fail.h"
#include "base/printable.h"

namespace torchkeep {
namespace {

Place at_key(std::string_view key) {
  Place place;
  place.tensor = printable(key);
  return place;
}

std::string describe(const Value& value) {
  if (!value.is_object()) return std::string(name(value.kind()));
  const std::string path = value.as_object().class_path();
  constexpr std::string_view kSparse = "torch._utils._rebuild_sparse";
  if (path.starts_with(kSparse)) return "a sparse tensor";
  return fmt::format("an object of {}", path);
}

// Walks nested dicts without recursion.
class Collector {
 public:
  Collector(NestedDicts nested, std::string_view format) : nested_(nested), format_(format) {}

  std::vector<NamedTensor> collect(const Value& root) {
    if (!root.is_dict()) {
      fail(ErrorCode::unsupported, "a {} file holds a dict of tensors (got {})", format_,
           describe(root));
    }
    open(root);
    while (!frames_.empty()) step();
    return std::move(tensors_);
  }

 private:
  struct Frame {
    Value dict;
    std::size_t prefix_bytes = 0;  // of the names in it
    std::size_t next = 0;
  };

  // The keys on the way to the dict are in prefix_.
  void open(const Value& dict) {
    if (!open_.insert(dict.identity()).second) {
      fail_at(ErrorCode::unsupported, at_key(prefix_), "", "a dict that contains itself");
    }
    frames_.push_back({dict, prefix_.size()});
  }

  void step() {
    Frame& frame = frames_.back();
    const Dict& dict = frame.dict.as_dict();
    prefix_.resize(frame.prefix_bytes);
    if (frame.next == dict.size()) {
      open_.erase(frame.dict.identity());
      frames_.pop_back();
      return;
    }
    const auto& [key, value] = dict.begin()[static_cast<std::ptrdiff_t>(frame.next++)];
    if (!key.is_string()) {
      fail_at(ErrorCode::unsupported, at_key(prefix_ + to_string(key)), "",
              "a {} file has names for keys (expected str, got {})", format_, describe(key));
    }
    add(prefix_ + key.as_string(), value);
  }

  void add(std::string name, const Value& value) {
    if (value.is_dict() && nested_ == NestedDicts::flatten) {
      prefix_ = std::move(name) + ".";
      open(value);
    } else if (!value.is_tensor()) {
      fail_at(ErrorCode::unsupported, at_key(name),
              value.is_dict() ? "save that dict alone, or set SaveOptions::nested to flatten"
                              : "leave it out, or save as .pt",
              "a {} file holds tensors only (got {})", format_, describe(value));
    } else if (!names_.insert(name).second) {
      fail_at(ErrorCode::invalid_argument, at_key(name), "", "two tensors would have this name");
    } else {
      tensors_.push_back({std::move(name), value.as_tensor()});
    }
  }

  NestedDicts nested_;
  std::string_view format_;
  std::vector<Frame> frames_;
  std::string prefix_;
  std::unordered_set<const void*> open_;  // the dicts of the frames
  std::unordered_set<std::string> names_;
  std::vector<NamedTensor> tensors_;
};

// The bytes from the first element of a tensor to the end of its last.
struct Extent {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::size_t index = 0;  // of the tensor
};

Extent extent_of(const Tensor& tensor, std::size_t index) {
  const auto item = static_cast<std::uint64_t>(item_bytes(tensor.dtype()));
  std::uint64_t last = 0;
  for (std::size_t d = 0; d < tensor.shape().size(); ++d) {
    last += static_cast<std::uint64_t>(tensor.shape()[d] - 1) *
            static_cast<std::uint64_t>(tensor.strides()[d]);
  }
  const auto begin = reinterpret_cast<std::uintptr_t>(tensor.storage().bytes().data()) +
                     static_cast<std::uint64_t>(tensor.storage_offset()) * item;
  return {begin, begin + (last + 1) * item, index};
}

bool is_same(const Tensor& a, const Tensor& b) {
  return std::tie(a.shape(), a.strides()) == std::tie(b.shape(), b.strides()) &&
         a.dtype() == b.dtype();
}

// Groups tensors that overlap, and gives up all but one of each group.
class Deduplicator {
 public:
  Deduplicator(std::vector<NamedTensor> tensors, SharedTensors shared)
      : tensors_(std::move(tensors)), shared_(shared), is_dropped_(tensors_.size(), false) {}

  NamedTensors run() {
    const std::vector<Extent> extents = sorted_extents();
    std::uintptr_t end = 0;
    for (std::size_t first = 0, i = 0; i < extents.size(); ++i) {
      end = i == first ? extents[i].end : std::max(end, extents[i].end);
      if (i + 1 < extents.size() && extents[i + 1].begin < end) continue;
      keep_one_of(std::span(extents).subspan(first, i + 1 - first));
      first = i + 1;
    }
    std::ranges::sort(aliases_);
    NamedTensors result{{}, std::move(aliases_)};
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (!is_dropped_[i]) result.tensors.push_back(std::move(tensors_[i]));
    }
    return result;
  }

 private:
  std::vector<Extent> sorted_extents() const {
    std::vector<Extent> extents;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (tensors_[i].tensor.numel() > 0) extents.push_back(extent_of(tensors_[i].tensor, i));
    }
    std::ranges::sort(extents, {}, [](const Extent& e) { return std::pair(e.begin, e.index); });
    return extents;
  }

  void keep_one_of(std::span<const Extent> group) {
    if (group.size() == 1) return;
    const auto by_name = [&](const Extent& e) -> const std::string& {
      return tensors_[e.index].name;
    };
    const Extent& first = *std::ranges::min_element(group, {}, by_name);
    const NamedTensor& kept = tensors_[first.index];
    for (const Extent& extent : group) {
      if (extent.index == first.index) continue;
      const NamedTensor& other = tensors_[extent.index];
      const bool same = extent.begin == first.begin && is_same(other.tensor, kept.tensor);
      if (shared_ == SharedTensors::refuse || !same) refuse(kept, other, same);
      is_dropped_[extent.index] = true;
      aliases_.emplace_back(other.name, kept.name);
    }
  }

  [[noreturn]] static void refuse(const NamedTensor& kept, const NamedTensor& other, bool same) {
    fail_at(
        ErrorCode::unsupported, at_key(other.name),
        same ? "set SaveOptions::shared to keep_one or copy" : "set SaveOptions::shared to copy",
        "{} with \"{}\", which this format cannot hold",
        same ? "shares its memory" : "overlaps in memory", printable(kept.name));
  }

  std::vector<NamedTensor> tensors_;
  SharedTensors shared_;
  std::vector<bool> is_dropped_;
  std::vector<std::pair<std::string, std::string>> aliases_;
};

}  // namespace

NamedTensors named_tensors(const Value& value,
                           NestedDicts nested,
                           SharedTensors shared,
                           std::string_view format) {
  std::vector<NamedTensor> tensors = Collector(nested, format).collect(value);
  if (shared == SharedTensors::copy) return {std::move(tensors)};
  return Deduplicator(std::move(tensors), shared).run();
}

}  // namespace torchkeep
