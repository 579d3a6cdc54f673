// Records cut and grouped into pieces of work.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "format/zip/record.h"

namespace torchkeep::zip {

// Bytes of one record, by their place in the file.
struct Segment {
  const Record* record = nullptr;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint32_t crc32 = 0;
};

// Segments that are handled in one go: they lie close together, and all of them, with the gaps
// between them, fit into kPieceBytes.
using Piece = std::span<Segment>;
// Large enough that system calls do not count, small enough to stay in the cache until the checksum
// has been computed and to keep all threads busy to the end.
constexpr std::uint64_t kPieceBytes = std::uint64_t{4} << 20;

// In the order of the file. Every record has one segment at least.
std::vector<Segment> cut_into_segments(std::vector<const Record*> records);

// Calls `work` for every piece, from several threads.
void for_each_piece(std::vector<Segment>& segments,
                    int threads,
                    const std::function<void(Piece)>& work);

// Calls `take` with each record and the checksum that its segments have together.
void for_each_checksum(std::span<const Segment> segments,
                       const std::function<void(const Record&, std::uint32_t crc32)>& take);

}  // namespace torchkeep::zip
