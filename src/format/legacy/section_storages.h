// Storages whose bytes lie somewhere in a section of a file, aligned to nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <torchkeep/dtype.h>
#include <torchkeep/load.h>
#include <torchkeep/storage.h>

#include "io/section.h"

namespace torchkeep::legacy {

struct StoredBytes {
  std::uint64_t offset = 0;  // in the section, which must hold all the bytes
  std::uint64_t bytes = 0;
  std::optional<DType> dtype;  // nothing for an untyped storage
  std::string location;
};

// Takes memory for all storages at once: one buffer, in which each is aligned. With Access::map
// those that happen to be aligned in the file stay there.
class SectionStorages {
 public:
  // The bytes are not there before fill(). Throws io.
  SectionStorages(const io::Section& section,
                  std::span<const StoredBytes> stored,
                  const LoadOptions& options);

  // In the order of `stored`.
  const std::vector<Storage>& storages() const { return storages_; }
  // Reads what is not mapped, by several threads. Throws io, corrupt.
  void fill() const;

 private:
  // Bytes that one call reads, or a part of such.
  struct Piece {
    std::uint64_t offset = 0;
    std::span<std::byte> target;
  };

  void place_in_memory(std::span<const StoredBytes> stored, std::span<const std::size_t> indices);
  void read(std::span<const Piece> pieces) const;

  io::Section section_;
  int threads_;
  std::vector<Storage> storages_;
  std::vector<Piece> pieces_;  // in the order of the file
};

}  // namespace torchkeep::legacy
