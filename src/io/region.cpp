#include "io/region.h"

#include <algorithm>

#include "base/parallel.h"
#include "io/input_file.h"
#include "io/memory.h"

namespace torchkeep::io {
namespace {

// Large enough that system calls do not count, small enough to keep all threads busy to the end.
constexpr std::uint64_t kPieceBytes = std::uint64_t{4} << 20;

}  // namespace

Region load_region(const InputFile& file,
                   std::uint64_t offset,
                   std::uint64_t size,
                   Access access,
                   int threads) {
  if (access == Access::map) {
    const auto mapped = std::make_shared<const MappedFile>(file);
    return {mapped, mapped->bytes().subspan(static_cast<std::size_t>(offset),
                                            static_cast<std::size_t>(size))};
  }
  const auto buffer = std::make_shared<const HugeBuffer>(size);
  const std::span<std::byte> bytes = buffer->bytes().first(static_cast<std::size_t>(size));
  const std::uint64_t pieces = (size + kPieceBytes - 1) / kPieceBytes;
  parallel_for(static_cast<std::size_t>(pieces), threads, [&](std::size_t i) {
    const std::uint64_t begin = i * kPieceBytes;
    const std::uint64_t count = std::min(kPieceBytes, size - begin);
    file.read(offset + begin,
              bytes.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)));
  });
  return {buffer, bytes};
}

}  // namespace torchkeep::io
