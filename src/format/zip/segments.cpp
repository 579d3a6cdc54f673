#include "format/zip/segments.h"

#include <algorithm>

#include "base/parallel.h"
#include "io/checksum.h"

namespace torchkeep::zip {
namespace {

// Gaps between records up to this size are cheaper to read than to skip.
constexpr std::uint64_t kSmallGap = std::uint64_t{16} << 10;

std::vector<Piece> group_into_pieces(std::vector<Segment>& segments) {
  std::vector<Piece> pieces;
  for (std::size_t first = 0; first < segments.size();) {
    std::size_t next = first + 1;
    while (next < segments.size() && segments[next].end - segments[first].begin <= kPieceBytes &&
           segments[next].begin - segments[next - 1].end <= kSmallGap) {
      ++next;
    }
    pieces.push_back(std::span(segments).subspan(first, next - first));
    first = next;
  }
  return pieces;
}

}  // namespace

std::vector<Segment> cut_into_segments(std::vector<const Record*> records) {
  std::ranges::sort(records, {}, &Record::data_offset);
  std::vector<Segment> segments;
  for (const Record* record : records) {
    std::uint64_t begin = record->data_offset;
    do {
      const std::uint64_t end = std::min(begin + kPieceBytes, record->data_end());
      segments.push_back({record, begin, end, 0});
      begin = end;
    } while (begin < record->data_end());
  }
  return segments;
}

void for_each_piece(std::vector<Segment>& segments,
                    int threads,
                    const std::function<void(Piece)>& work) {
  const std::vector<Piece> pieces = group_into_pieces(segments);
  parallel_for(pieces.size(), threads, [&](std::size_t i) { work(pieces[i]); });
}

void for_each_checksum(std::span<const Segment> segments,
                       const std::function<void(const Record&, std::uint32_t crc32)>& take) {
  for (std::size_t i = 0; i < segments.size();) {
    const Record* record = segments[i].record;
    std::uint32_t crc32 = 0;
    for (; i < segments.size() && segments[i].record == record; ++i) {
      crc32 = io::crc32_combine(crc32, segments[i].crc32, segments[i].end - segments[i].begin);
    }
    take(*record, crc32);
  }
}

}  // namespace torchkeep::zip
