#include "format/zip/image.h"

#include <algorithm>
#include <functional>

#include "base/parallel.h"
#include "io/checksum.h"

namespace torchkeep::zip {
namespace {

// Large enough that system calls do not count, small enough to stay in the cache until the checksum
// has been computed and to keep all threads busy to the end.
constexpr std::uint64_t kPieceBytes = std::uint64_t{4} << 20;
// Gaps between records up to this size are cheaper to read than to skip.
constexpr std::uint64_t kSmallGap = std::uint64_t{16} << 10;

// Bytes of one record, by their place in the file.
struct Segment {
  const Record* record = nullptr;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint32_t crc32 = 0;
};

// Segments that are handled in one go.
using Piece = std::span<Segment>;

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

std::span<std::byte> part_of(const Image& image, std::uint64_t begin, std::uint64_t end) {
  return image.memory.subspan(static_cast<std::size_t>(begin - image.begin),
                              static_cast<std::size_t>(end - begin));
}

void compute_checksums(const Image& image, Piece piece) {
  for (Segment& segment : piece) {
    segment.crc32 = io::crc32(part_of(image, segment.begin, segment.end));
  }
}

void check_checksums(const std::vector<Segment>& segments) {
  for (std::size_t i = 0; i < segments.size();) {
    const Record* record = segments[i].record;
    std::uint32_t crc32 = 0;
    for (; i < segments.size() && segments[i].record == record; ++i) {
      crc32 = io::crc32_combine(crc32, segments[i].crc32, segments[i].end - segments[i].begin);
    }
    check_checksum(*record, crc32);
  }
}

void for_each_piece(std::vector<Segment>& segments,
                    int threads,
                    const std::function<void(Piece)>& work) {
  const std::vector<Piece> pieces = group_into_pieces(segments);
  parallel_for(pieces.size(), threads, [&](std::size_t i) { work(pieces[i]); });
}

}  // namespace

void read_records(const io::InputFile& file,
                  std::vector<const Record*> records,
                  const Image& image,
                  int threads,
                  Checksum checksum) {
  std::vector<Segment> segments = cut_into_segments(std::move(records));
  for_each_piece(segments, threads, [&](Piece piece) {
    const std::uint64_t begin = piece.front().begin;
    file.read(begin, part_of(image, begin, piece.back().end));
    if (checksum == Checksum::verify) compute_checksums(image, piece);
  });
  if (checksum == Checksum::verify) check_checksums(segments);
}

void verify_records(std::vector<const Record*> records, const Image& image, int threads) {
  std::vector<Segment> segments = cut_into_segments(std::move(records));
  for_each_piece(segments, threads, [&](Piece piece) { compute_checksums(image, piece); });
  check_checksums(segments);
}

}  // namespace torchkeep::zip
