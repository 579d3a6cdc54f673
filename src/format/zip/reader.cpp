#include "format/zip/reader.h"

#include <utility>

#include <libdeflate.h>

#include "base/fail.h"
#include "format/zip/directory.h"
#include "format/zip/local_headers.h"
#include "io/checksum.h"

namespace torchkeep::zip {
namespace {

Place at_record(const Record& record) {
  Place place;
  place.record = record.name;
  return place;
}

void inflate(const Record& record, std::span<const std::byte> from, std::span<std::byte> to) {
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)>
      decompressor(libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (!decompressor) fail(ErrorCode::io, "cannot allocate memory to inflate");
  std::size_t used = 0;
  std::size_t got = 0;
  const libdeflate_result result = libdeflate_deflate_decompress_ex(
      decompressor.get(), from.data(), from.size(), to.data(), to.size(), &used, &got);
  if (result != LIBDEFLATE_SUCCESS || used != from.size() || got != to.size()) {
    fail_at(ErrorCode::corrupt, at_record(record), "",
            "the compressed data does not inflate to {} bytes", to.size());
  }
}

}  // namespace

Reader::Reader(std::shared_ptr<const io::InputFile> file, const Limits& limits)
    : file_(std::move(file)) {
  Directory directory = read_directory(*file_, limits);
  read_local_headers(*file_, directory);
  records_ = std::move(directory.records);
  by_name_.reserve(records_.size());
  for (const Record& record : records_) by_name_.emplace(record.name, &record);
}

const Record* Reader::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

std::vector<std::byte> Reader::read(const Record& record, Checksum checksum) const {
  std::vector<std::byte> content(static_cast<std::size_t>(record.bytes));
  read(record, content, checksum);
  return content;
}

void Reader::read(const Record& record, std::span<std::byte> target, Checksum checksum) const {
  if (record.method == Method::stored) {
    file_->read(record.data_offset, target);
  } else {
    std::vector<std::byte> stored(static_cast<std::size_t>(record.stored_bytes));
    file_->read(record.data_offset, stored);
    inflate(record, stored, target);
  }
  if (checksum == Checksum::verify) check_checksum(record, io::crc32(target));
}

void check_checksum(const Record& record, std::uint32_t crc32) {
  if (!record.has_checksum() || crc32 == record.crc32) return;
  fail_at(ErrorCode::corrupt, at_record(record), "take another copy of the file",
          "the bytes are damaged: the checksum differs (expected {:08x}, got {:08x})", record.crc32,
          crc32);
}

}  // namespace torchkeep::zip
