// A part of a file in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <torchkeep/load.h>

namespace torchkeep::io {

class InputFile;

// The bytes live as long as the owner.
struct Region {
  std::shared_ptr<const void> owner;
  std::span<std::byte> bytes;
};

// `size` bytes from `offset` on, which the file must have: with Access::map in the mapped file,
// with Access::read in memory of their own that begins at a page and that `threads` threads fill.
// Throws io; corrupt where the file has become shorter.
Region load_region(const InputFile& file,
                   std::uint64_t offset,
                   std::uint64_t size,
                   Access access,
                   int threads);

}  // namespace torchkeep::io
