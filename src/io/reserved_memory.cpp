#include "io/reserved_memory.h"

#include <algorithm>

#include "base/fail.h"

namespace torchkeep::io {
namespace {

constexpr std::uint64_t kAlignment = 64;

}  // namespace

ReservedMemory::Part ReservedMemory::reserve(std::uint64_t bytes) {
  if (bytes > UINT64_MAX / 2) fail(ErrorCode::io, "cannot allocate {} bytes of memory", bytes);
  const std::uint64_t needed = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (needed > free_.size()) {
    chunk_ = std::make_shared<const HugeBuffer>(std::max(needed, chunk_bytes_));
    free_ = chunk_->bytes();
  }
  const auto taken = static_cast<std::size_t>(needed);
  Part part{free_.first(static_cast<std::size_t>(bytes)), chunk_};
  free_ = free_.subspan(taken);
  return part;
}

}  // namespace torchkeep::io
