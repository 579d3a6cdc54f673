#include "format/zip/salvage_directory.h"

#include <algorithm>
#include <string_view>

#include "base/byte_reader.h"
#include "format/zip/layout.h"
#include "format/zip/zip64_extra.h"

namespace torchkeep::zip {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kNotFound = std::string_view::npos;

struct Numbers {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t offset = 0;
};

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool has_signature(std::span<const std::byte> file, std::uint64_t offset, std::uint32_t signature) {
  if (offset > file.size() || file.size() - offset < 4) return false;
  return ByteReader(file.subspan(static_cast<std::size_t>(offset))).u32() == signature;
}

// Replaces the numbers by those of the zip64 end where there is one.
void apply_zip64_end(std::span<const std::byte> file, std::size_t end, Numbers& numbers) {
  if (end < kZip64LocatorBytes || !has_signature(file, end - kZip64LocatorBytes, kZip64Locator)) {
    return;
  }
  const std::size_t before = end - kZip64LocatorBytes;
  ByteReader locator(file.subspan(before + 8));
  std::uint64_t offset = locator.u64();
  // Bytes in front of the archive move it.
  if (!has_signature(file, offset, kZip64End) && before >= kZip64EndBytes) {
    offset = before - kZip64EndBytes;
  }
  if (!has_signature(file, offset, kZip64End) || file.size() - offset < kZip64EndBytes) return;
  ByteReader reader(file.subspan(static_cast<std::size_t>(offset) + 32));
  numbers = {.records = reader.u64(), .bytes = reader.u64(), .offset = reader.u64()};
}

Numbers read_end(std::span<const std::byte> file, std::size_t end) {
  ByteReader reader(file.subspan(end + 10));
  Numbers numbers;
  numbers.records = reader.u16();
  numbers.bytes = reader.u32();
  numbers.offset = reader.u32();
  apply_zip64_end(file, end, numbers);
  return numbers;
}

struct Lengths {
  std::uint16_t name = 0;
  std::uint16_t extra = 0;
};

// What both headers of a record have in this order, from the flags on.
Lengths read_description(ByteReader& reader, Record& record) {
  record.flags = reader.u16();
  record.method = static_cast<Method>(reader.u16());
  reader.bytes(4);  // time and date
  record.crc32 = reader.u32();
  record.stored_bytes = reader.u32();
  record.bytes = reader.u32();
  const std::uint16_t name_bytes = reader.u16();
  return {name_bytes, reader.u16()};
}

std::optional<Record> read_entry(ByteReader& reader) {
  if (reader.remaining() < kCentralHeaderBytes || reader.u32() != kCentralHeader) return {};
  Record record;
  reader.bytes(4);  // versions
  const auto [name_bytes, extra_bytes] = read_description(reader, record);
  const std::uint16_t comment_bytes = reader.u16();
  reader.bytes(8);  // disk and attributes
  record.header_offset = reader.u32();
  if (reader.remaining() < std::size_t{name_bytes} + extra_bytes + comment_bytes) return {};
  record.name = reader.text(name_bytes);
  try {
    apply_zip64_extra(reader.bytes(extra_bytes), record.bytes, record.stored_bytes,
                      record.header_offset);
  } catch (const Error&) {
    // The numbers stay saturated: such a record reaches beyond any file.
  }
  reader.bytes(comment_bytes);
  return record;
}

// All entries from `begin` on; what lies between two of them is passed over.
void read_entries(std::span<const std::byte> file,
                  std::uint64_t shift,
                  const Limits& limits,
                  LooseDirectory& directory) {
  const std::string_view text = as_text(file);
  std::size_t position = text.find("PK\1\2"sv, static_cast<std::size_t>(directory.offset));
  directory.offset = std::min<std::uint64_t>(position, file.size());
  while (position != kNotFound && directory.entries.size() < limits.max_records) {
    ByteReader reader(file.subspan(position));
    if (std::optional<Record> entry = read_entry(reader)) {
      entry->header_offset += shift;
      directory.entries.push_back(std::move(*entry));
      position += reader.position();
    } else {
      position += 4;
    }
    directory.end = std::max<std::uint64_t>(directory.end, position);
    position = text.find("PK\1\2"sv, position);
  }
}

// Whether the entry at `at` names the record that lies where it says.
bool fits_its_record(std::span<const std::byte> file, std::uint64_t at) {
  ByteReader reader(file.subspan(static_cast<std::size_t>(at)));
  const std::optional<Record> entry = read_entry(reader);
  if (!entry) return false;
  const std::optional<Record> header = read_loose_header(file, entry->header_offset);
  return header && header->name == entry->name;
}

// Where a directory without an end begins: at the first entry whose record is where it says.
std::size_t find_first_entry(std::span<const std::byte> file) {
  const std::string_view text = as_text(file);
  for (std::size_t at = text.find("PK\1\2"sv); at != kNotFound;
       at = text.find("PK\1\2"sv, at + 4)) {
    if (fits_its_record(file, at)) return at;
  }
  return kNotFound;
}

}  // namespace

std::optional<Record> read_loose_header(std::span<const std::byte> file, std::uint64_t offset) {
  if (!has_signature(file, offset, kLocalHeader) || file.size() - offset < kLocalHeaderBytes) {
    return {};
  }
  ByteReader reader(file.subspan(static_cast<std::size_t>(offset)));
  Record record;
  reader.bytes(6);  // signature, version needed
  const auto [name_bytes, extra_bytes] = read_description(reader, record);
  if (name_bytes == 0 || reader.remaining() < std::size_t{name_bytes} + extra_bytes) return {};
  record.name = reader.text(name_bytes);
  std::uint64_t no_offset = 0;
  try {
    apply_zip64_extra(reader.bytes(extra_bytes), record.bytes, record.stored_bytes, no_offset);
  } catch (const Error&) {
    // As in the directory.
  }
  record.header_offset = offset;
  record.data_offset = offset + reader.position();
  return record;
}

std::optional<LooseDirectory> find_directory(std::span<const std::byte> file,
                                             const Limits& limits) {
  LooseDirectory directory;
  std::uint64_t shift = 0;
  const std::size_t end = as_text(file).rfind("PK\5\6"sv);
  if (end != kNotFound && file.size() - end >= kEndBytes) {
    const Numbers numbers = read_end(file, end);
    directory.has_end = true;
    directory.end = end + kEndBytes;
    directory.offset = numbers.offset;
    const bool is_zip64 =
        end >= kZip64LocatorBytes && has_signature(file, end - kZip64LocatorBytes, kZip64Locator);
    const std::uint64_t behind = end - (is_zip64 ? kZip64LocatorBytes + kZip64EndBytes : 0);
    // As Python does: the directory lies before its end, wherever it claims to be.
    if (behind <= end && numbers.bytes <= behind &&
        has_signature(file, behind - numbers.bytes, kCentralHeader)) {
      directory.offset = behind - numbers.bytes;
      if (!fits_its_record(file, directory.offset)) shift = directory.offset - numbers.offset;
    }
    if (!has_signature(file, directory.offset, kCentralHeader)) {
      const std::size_t first = find_first_entry(file);
      directory.offset = first == kNotFound ? end : first;
      shift = 0;
    }
  } else {
    const std::size_t first = find_first_entry(file);
    if (first == kNotFound) return {};
    directory.offset = first;
  }
  read_entries(file, shift, limits, directory);
  return directory;
}

}  // namespace torchkeep::zip
