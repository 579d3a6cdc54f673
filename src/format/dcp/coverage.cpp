#include "format/dcp/coverage.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "base/printable.h"

namespace torchkeep::dcp {
namespace {

// Of one tensor's chunks with each other. A grid of 1,000 by 1,000 needs half a billion; training
// runs have fewer.
constexpr std::uint64_t kMostComparisons = 500'000'000;

Place at_item(const Item& item) {
  Place place;
  place.tensor = printable(item.name);
  return place;
}

void check_inside(const Item& tensor, const Chunk& chunk) {
  bool inside =
      chunk.offsets.size() == tensor.shape.size() && chunk.sizes.size() == tensor.shape.size();
  for (std::size_t d = 0; inside && d < tensor.shape.size(); ++d) {
    inside =
        chunk.offsets[d] <= tensor.shape[d] && chunk.sizes[d] <= tensor.shape[d] - chunk.offsets[d];
  }
  if (!inside) {
    fail(ErrorCode::corrupt, "the chunk of shape {} at {} lies outside the tensor of shape {}",
         to_string(chunk.sizes), to_string(chunk.offsets), to_string(tensor.shape));
  }
  const auto elements = static_cast<std::uint64_t>(count_elements(chunk.sizes));
  if (elements > chunk.location.bytes / static_cast<std::uint64_t>(item_bytes(tensor.dtype))) {
    fail(ErrorCode::corrupt, "the chunk of shape {} at {} does not fit into its {} bytes",
         to_string(chunk.sizes), to_string(chunk.offsets), chunk.location.bytes);
  }
}

bool overlap(const Chunk& a, const Chunk& b) {
  for (std::size_t d = 0; d < a.offsets.size(); ++d) {
    if (a.offsets[d] >= b.offsets[d] + b.sizes[d] || b.offsets[d] >= a.offsets[d] + a.sizes[d]) {
      return false;
    }
  }
  return true;
}

// Chunks in the order of their first dimension: those that begin where another has ended cannot
// overlap it.
void check_disjoint(const std::vector<Chunk>& chunks) {
  std::vector<const Chunk*> sorted;
  for (const Chunk& chunk : chunks) sorted.push_back(&chunk);
  const auto first_offset = [](const Chunk* chunk) {
    return chunk->offsets.empty() ? 0 : chunk->offsets[0];
  };
  std::ranges::stable_sort(sorted, {}, first_offset);
  std::uint64_t comparisons = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const std::int64_t end =
        sorted[i]->offsets.empty() ? 1 : sorted[i]->offsets[0] + sorted[i]->sizes[0];
    for (std::size_t j = i + 1; j < sorted.size() && first_offset(sorted[j]) < end; ++j) {
      if (overlap(*sorted[i], *sorted[j])) {
        fail(ErrorCode::corrupt, "the chunks at {} and {} overlap", to_string(sorted[i]->offsets),
             to_string(sorted[j]->offsets));
      }
      if (++comparisons > kMostComparisons) {
        fail(ErrorCode::unsafe, "has too many chunks ({}) to be checked", chunks.size());
      }
    }
  }
}

}  // namespace

void check_chunks(const Item& tensor) {
  try {
    // No chunk is larger than the tensor, whose elements can be counted.
    const std::int64_t expected = count_elements(tensor.shape);
    std::int64_t covered = 0;
    for (const Chunk& chunk : tensor.chunks) {
      check_inside(tensor, chunk);
      if (__builtin_add_overflow(covered, count_elements(chunk.sizes), &covered)) {
        fail(ErrorCode::corrupt, "the chunks have more elements than memory can have");
      }
    }
    std::int64_t bytes = 0;
    if (__builtin_mul_overflow(covered, item_bytes(tensor.dtype), &bytes)) {
      fail(ErrorCode::corrupt, "the chunks have more bytes than memory can have");
    }
    check_disjoint(tensor.chunks);
    if (covered != expected) {
      fail(ErrorCode::corrupt, "the chunks do not cover the tensor (expected {} elements, got {})",
           expected, covered);
    }
  } catch (Error& error) {
    error.add_place(at_item(tensor));
    throw;
  }
}

void check_locations_distinct(const std::vector<Item>& items) {
  struct Claim {
    const Location* location;
    const Item* item;
  };
  std::vector<Claim> claims;
  for (const Item& item : items) {
    if (!item.is_tensor) claims.push_back({&item.location, &item});
    for (const Chunk& chunk : item.chunks) claims.push_back({&chunk.location, &item});
  }
  std::ranges::sort(claims, {}, [](const Claim& claim) {
    return std::pair<std::string_view, std::uint64_t>(claim.location->file, claim.location->offset);
  });
  for (std::size_t i = 1; i < claims.size(); ++i) {
    const Location& previous = *claims[i - 1].location;
    const Location& next = *claims[i].location;
    if (previous.file == next.file && next.offset - previous.offset < previous.bytes) {
      fail_at(ErrorCode::corrupt, at_item(*claims[i].item), "",
              "lies in the same bytes of {} as \"{}\"", next.file,
              printable(claims[i - 1].item->name));
    }
  }
}

}  // namespace torchkeep::dcp
