#include "format/zip/local_headers.h"

#include <algorithm>
#include <string_view>

#include "base/byte_reader.h"
#include "base/fail.h"
#include "format/zip/layout.h"
#include "format/zip/zip64_extra.h"
#include "io/window.h"

namespace torchkeep::zip {
namespace {

// Sizes and checksum of a header or descriptor.
struct Totals {
  std::uint32_t crc32 = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t bytes = 0;
  bool operator==(const Totals&) const = default;
};

Totals totals_of(const Record& record) { return {record.crc32, record.stored_bytes, record.bytes}; }

[[noreturn]] void throw_disagrees(std::string_view what) {
  fail(ErrorCode::corrupt, "the record's own header and the directory of the archive disagree: {}",
       what);
}

void read_header(io::Window& window, Record& record) {
  ByteReader reader(window.view(record.header_offset, kLocalHeaderBytes));
  if (reader.u32() != kLocalHeader) fail(ErrorCode::corrupt, "the header of the record is damaged");
  reader.bytes(2);  // version needed
  if (reader.u16() != record.flags) throw_disagrees("flags");
  if (reader.u16() != static_cast<std::uint16_t>(record.method)) throw_disagrees("method");
  reader.bytes(4);  // time and date
  Totals totals;
  std::uint64_t no_offset = 0;
  totals.crc32 = reader.u32();
  totals.stored_bytes = reader.u32();
  totals.bytes = reader.u32();
  const std::uint16_t name_bytes = reader.u16();
  const std::uint16_t extra_bytes = reader.u16();
  const std::size_t variable_bytes = std::size_t{name_bytes} + extra_bytes;
  ByteReader variable(window.view(record.header_offset + kLocalHeaderBytes, variable_bytes));
  if (variable.text(name_bytes) != record.name) throw_disagrees("name");
  apply_zip64_extra(variable.bytes(extra_bytes), totals.bytes, totals.stored_bytes, no_offset);
  const bool left_to_descriptor = (record.flags & kHasDescriptor) != 0 && totals == Totals{};
  if (!left_to_descriptor && totals != totals_of(record)) throw_disagrees("sizes or checksum");
  record.data_offset = record.header_offset + kLocalHeaderBytes + variable_bytes;
}

template <class Size>
bool is_descriptor(std::span<const std::byte> bytes, const Record& record) {
  ByteReader reader(bytes);
  if (bytes.size() < 8 + 2 * sizeof(Size) || reader.u32() != kDescriptor) return false;
  Totals totals;
  totals.crc32 = reader.u32();
  totals.stored_bytes = reader.number<Size>();
  totals.bytes = reader.number<Size>();
  return totals == totals_of(record);
}

// Where the record with all that belongs to it ends.
std::uint64_t read_descriptor(io::Window& window, const Record& record) {
  const std::uint64_t offset = record.data_end();
  if ((record.flags & kHasDescriptor) == 0) return offset;
  const std::span<const std::byte> bytes = window.view_up_to(offset, kZip64DescriptorBytes);
  if (is_descriptor<std::uint64_t>(bytes, record)) return offset + kZip64DescriptorBytes;
  if (is_descriptor<std::uint32_t>(bytes, record)) return offset + kDescriptorBytes;
  throw_disagrees("the descriptor behind the data");
}

// The record with its descriptor must not reach beyond `limit`.
void read_record(io::Window& window, Record& record, std::uint64_t limit) {
  if (record.header_offset >= limit || limit - record.header_offset < kLocalHeaderBytes) {
    fail(ErrorCode::corrupt, "lies outside the archive or overlaps another record");
  }
  read_header(window, record);
  if (record.data_offset > limit || record.stored_bytes > limit - record.data_offset) {
    fail(ErrorCode::corrupt, "overlaps what follows it (expected {} bytes, got {})",
         record.stored_bytes, limit - std::min(limit, record.data_offset));
  }
  if (read_descriptor(window, record) > limit) {
    fail(ErrorCode::corrupt, "overlaps what follows it");
  }
}

}  // namespace

void read_local_headers(const io::InputFile& file, Directory& directory) {
  std::vector<Record*> in_file_order;
  in_file_order.reserve(directory.records.size());
  for (Record& record : directory.records) in_file_order.push_back(&record);
  std::ranges::stable_sort(in_file_order, {}, &Record::header_offset);
  if (!in_file_order.empty() && in_file_order[0]->header_offset != 0) {
    fail(ErrorCode::corrupt, "{} bytes precede the first record", in_file_order[0]->header_offset);
  }
  io::Window window(file);
  for (std::size_t i = 0; i < in_file_order.size(); ++i) {
    Record& record = *in_file_order[i];
    const bool is_last = i + 1 == in_file_order.size();
    const std::uint64_t limit = is_last ? directory.offset : in_file_order[i + 1]->header_offset;
    try {
      read_record(window, record, limit);
    } catch (Error& error) {
      Place place;
      place.record = record.name;
      error.add_place(place);
      throw;
    }
  }
}

}  // namespace torchkeep::zip
