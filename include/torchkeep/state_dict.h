// An ordered mapping from parameter and buffer names to tensors, as Python's module.state_dict().
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <torchkeep/tensor.h>
#include <torchkeep/value.h>

namespace torchkeep {

// Copies share the tensors' memory. Safe to read from any thread.
class StateDict {
 public:
  struct Entry {
    std::string name;  // "features.0.weight"
    Tensor tensor;
  };

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  std::vector<Entry>::const_iterator begin() const { return entries_.begin(); }
  std::vector<Entry>::const_iterator end() const { return entries_.end(); }

  // Null if there is no such name. The pointer is valid until the state dict changes.
  const Tensor* find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  // Throws not_found, with the most similar name as advice.
  const Tensor& operator[](std::string_view name) const;

  // Adds the name at the end, or replaces the tensor of a name that is there.
  void set(std::string name, Tensor tensor);

  // A state dict in which every name that starts with `prefix` has lost it; the others stay.
  // `_metadata` follows.
  StateDict without_prefix(std::string_view prefix) const;

  // Python's `_metadata`: an OrderedDict from module path to a dict with `version`, and here also
  // `frozen`, the names of that module's parameters that are not trained. None if there is none.
  const Value& metadata() const { return metadata_; }
  void set_metadata(Value metadata) { metadata_ = std::move(metadata); }

  std::int64_t numel() const;        // elements of all tensors, shared ones counted each time
  std::uint64_t size_bytes() const;  // of all elements, likewise

 private:
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> index_;
  Value metadata_;
};

// A table: name, dtype, shape of each tensor, and a last line with the totals.
std::string to_string(const StateDict& state_dict);
std::ostream& operator<<(std::ostream& out, const StateDict& state_dict);

}  // namespace torchkeep
