// Memory for things of which perhaps only a few will be filled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "io/memory.h"

namespace torchkeep::io {

// Gives out zeroed memory that costs nothing until it is touched. Not synchronised.
class ReservedMemory {
 public:
  // Takes address space from the system in chunks of that size at least.
  explicit ReservedMemory(std::uint64_t chunk_bytes) : chunk_bytes_(chunk_bytes) {}

  struct Part {
    std::span<std::byte> bytes;  // begins at a multiple of 64
    std::shared_ptr<const void> owner;
  };
  // Throws io for more than any process can have.
  Part reserve(std::uint64_t bytes);

 private:
  std::uint64_t chunk_bytes_;
  std::shared_ptr<const HugeBuffer> chunk_;
  std::span<std::byte> free_;  // of the chunk
};

}  // namespace torchkeep::io
