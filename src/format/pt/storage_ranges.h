// Which part of each storage is worth writing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include <torchkeep/save.h>
#include <torchkeep/value.h>

namespace torchkeep::pt {

// Bytes of a storage.
struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool operator==(const Range&) const = default;
};

// For each storage of a value the bytes from the first to the last element that any of its tensors
// shows. All tensors of a storage get one range, so that they go on sharing it.
class StorageRanges {
 public:
  // Every storage as a whole.
  StorageRanges() = default;
  // What the value uses: storages that stand by themselves, or that packed tensors view, as a
  // whole.
  static StorageRanges used_by(const Value& value);

  // Which of the two the option asks for.
  static StorageRanges to_write(const Value& value, Storages storages);

  Range of(const Storage& storage) const;

 private:
  using Memory = std::pair<const std::byte*, std::uint64_t>;
  struct Use {
    Range range;
    std::uint64_t unit = 1;  // of the largest element
  };

  void add(const Tensor& tensor);
  void add_whole(const Storage& storage);

  std::map<Memory, Use> uses_;
};

}  // namespace torchkeep::pt
