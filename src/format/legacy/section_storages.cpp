#include "format/legacy/section_storages.h"

#include <algorithm>

#include "base/parallel.h"
#include "io/memory.h"

namespace torchkeep::legacy {
namespace {

constexpr std::uint64_t kAlignment = 64;  // as PyTorch's own memory
// Large enough that system calls do not count, small enough to keep all threads busy to the end.
constexpr std::uint64_t kPieceBytes = std::uint64_t{4} << 20;
// Storages that lie close together are read at once and copied.
constexpr std::uint64_t kSmallPiece = std::uint64_t{64} << 10;
constexpr std::uint64_t kSmallGap = std::uint64_t{4} << 10;
constexpr std::uint64_t kGroupBytes = std::uint64_t{512} << 10;

std::uint64_t rounded_up(std::uint64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

bool lies_aligned(const std::byte* data, std::optional<DType> dtype) {
  // An untyped storage may be viewed as any type.
  const std::size_t alignment =
      dtype ? static_cast<std::size_t>(item_bytes(*dtype)) : sizeof(double);
  return reinterpret_cast<std::uintptr_t>(data) % alignment == 0;
}

Storage make_storage(const StoredBytes& stored,
                     std::byte* data,
                     std::shared_ptr<const void> owner) {
  return Storage(data, stored.bytes, std::move(owner), stored.dtype, stored.location);
}

}  // namespace

SectionStorages::SectionStorages(const io::Section& section,
                                 std::span<const StoredBytes> stored,
                                 const LoadOptions& options)
    : section_(section), threads_(effective_threads(options.threads)), storages_(stored.size()) {
  io::Section::Mapping mapping;
  if (options.access == Access::map) mapping = section.map();
  std::vector<std::size_t> unmapped;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (stored[i].bytes == 0) {
      storages_[i] = make_storage(stored[i], nullptr, nullptr);
    } else if (mapping.owner == nullptr) {
      unmapped.push_back(i);
    } else {
      std::byte* data = mapping.bytes.data() + stored[i].offset;
      if (lies_aligned(data, stored[i].dtype)) {
        storages_[i] = make_storage(stored[i], data, mapping.owner);
      } else {
        unmapped.push_back(i);
      }
    }
  }
  place_in_memory(stored, unmapped);
}

void SectionStorages::place_in_memory(std::span<const StoredBytes> stored,
                                      std::span<const std::size_t> indices) {
  std::uint64_t total = 0;
  for (const std::size_t i : indices) total += rounded_up(stored[i].bytes);
  const auto buffer = std::make_shared<const io::HugeBuffer>(total);
  std::byte* data = buffer->bytes().data();
  for (const std::size_t i : indices) {
    storages_[i] = make_storage(stored[i], data, buffer);
    for (std::uint64_t done = 0; done < stored[i].bytes; done += kPieceBytes) {
      const std::uint64_t size = std::min(kPieceBytes, stored[i].bytes - done);
      pieces_.push_back({stored[i].offset + done, {data + done, static_cast<std::size_t>(size)}});
    }
    data += rounded_up(stored[i].bytes);
  }
  std::ranges::sort(pieces_, {}, &Piece::offset);
}

void SectionStorages::fill() const {
  std::vector<std::span<const Piece>> groups;
  const auto end_of = [](const Piece& piece) { return piece.offset + piece.target.size(); };
  for (std::size_t first = 0; first < pieces_.size();) {
    std::size_t next = first + 1;
    while (next < pieces_.size() && pieces_[next - 1].target.size() <= kSmallPiece &&
           pieces_[next].target.size() <= kSmallPiece &&
           pieces_[next].offset - end_of(pieces_[next - 1]) <= kSmallGap &&
           end_of(pieces_[next]) - pieces_[first].offset <= kGroupBytes) {
      ++next;
    }
    groups.push_back(std::span(pieces_).subspan(first, next - first));
    first = next;
  }
  parallel_for(groups.size(), threads_, [&](std::size_t i) { read(groups[i]); });
}

void SectionStorages::read(std::span<const Piece> pieces) const {
  const Piece& first = pieces.front();
  if (pieces.size() == 1) return section_.read(first.offset, first.target);
  const std::uint64_t end = pieces.back().offset + pieces.back().target.size();
  std::vector<std::byte> together(static_cast<std::size_t>(end - first.offset));
  section_.read(first.offset, together);
  for (const Piece& piece : pieces) {
    std::copy_n(together.begin() + static_cast<std::ptrdiff_t>(piece.offset - first.offset),
                piece.target.size(), piece.target.begin());
  }
}

}  // namespace torchkeep::legacy
