// The storages of an archive that may be damaged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include <torchkeep/storage.h>

#include "format/pickle/decode.h"
#include "format/zip/salvage.h"
#include "io/reserved_memory.h"

namespace torchkeep::pt {

// Gives a storage for every one that a pickle names, whether its record is there or not. The bytes
// lie in memory that is reserved but not touched: it costs nothing until somebody fills it.
class LooseStorages {
 public:
  struct Entry {
    std::string key;
    const zip::Salvaged* record = nullptr;  // null: the archive has none
    Storage storage;                        // as large as the pickle says
  };

  // `archive` must outlive the storages' use here. `scale` is the size of the file.
  LooseStorages(const zip::Salvage& archive, std::uint64_t scale)
      : archive_(archive), memory_(scale * 2 + kLeastChunk) {}
  LooseStorages(const LooseStorages&) = delete;
  LooseStorages& operator=(const LooseStorages&) = delete;

  // Decodes the archive's pickle. Throws as pickle::decode(); corrupt for a storage of a size that
  // no memory could have.
  pickle::Decoded decode(std::span<const std::byte> pickle, const Limits& limits);

  // In the order in which the pickle names them.
  const std::deque<Entry>& entries() const { return entries_; }
  // The entry of a storage that was given out; null for any other.
  const Entry* find(const Storage& storage) const;

 private:
  static constexpr std::uint64_t kLeastChunk = std::uint64_t{1} << 20;

  Storage load(const std::string& key,
               std::optional<DType> dtype,
               const std::string& location,
               std::uint64_t bytes);
  io::ReservedMemory::Part reserve(std::uint64_t bytes);

  const zip::Salvage& archive_;
  io::ReservedMemory memory_;
  std::deque<Entry> entries_;
  std::unordered_map<const std::byte*, const Entry*> by_memory_;
};

}  // namespace torchkeep::pt
