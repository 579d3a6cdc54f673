#include "format/zip/image.h"

#include <utility>

#include "format/zip/segments.h"
#include "io/checksum.h"

namespace torchkeep::zip {
namespace {

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
  for_each_checksum(
      segments, [](const Record& record, std::uint32_t crc32) { check_checksum(record, crc32); });
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
