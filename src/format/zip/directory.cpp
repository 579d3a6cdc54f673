#include "format/zip/directory.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "base/byte_reader.h"
#include "base/fail.h"
#include "base/seeded_hash.h"
#include "format/zip/layout.h"
#include "format/zip/zip64_extra.h"

namespace torchkeep::zip {
namespace {

constexpr std::string_view kTruncatedAdvice = "copy or download it again";
// A zip archive may have a comment of up to 64 KiB at its end.
constexpr std::uint64_t kMostCommentBytes = 0xFFFF;
// More than DEFLATE can reach.
constexpr std::uint64_t kMostCompression = 1040;

struct End {
  std::uint64_t records = 0;
  std::uint64_t directory_bytes = 0;
  std::uint64_t directory_offset = 0;
  std::uint64_t offset = 0;  // where the end itself begins
};

std::vector<std::byte> read_bytes(const io::InputFile& file,
                                  std::uint64_t offset,
                                  std::uint64_t size) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  file.read(offset, bytes);
  return bytes;
}

// Explains why the file does not end as an archive does.
[[noreturn]] void throw_no_end(const io::InputFile& file) {
  const std::uint64_t tail_bytes = std::min(file.size(), kMostCommentBytes + kEndBytes);
  const std::vector<std::byte> tail = read_bytes(file, file.size() - tail_bytes, tail_bytes);
  const std::string_view text(reinterpret_cast<const char*>(tail.data()), tail.size());
  const std::size_t found = text.rfind("PK\5\6");
  if (found != std::string_view::npos && text.size() - found > kEndBytes) {
    fail_at(ErrorCode::corrupt, {}, "remove them or copy the file again",
            "{} bytes follow the end of the archive", text.size() - found - kEndBytes);
  }
  fail_at(ErrorCode::corrupt, {}, std::string(kTruncatedAdvice),
          "the file looks truncated: no end of the archive at byte {}", file.size());
}

// A number of the short end, which gives way to the long one where it is saturated.
void check_agrees(std::uint64_t short_value, std::uint64_t saturated, std::uint64_t value) {
  if (short_value != saturated && short_value != value) {
    fail(ErrorCode::corrupt, "the two ends of the archive disagree (expected {}, got {})", value,
         short_value);
  }
}

End read_zip64_end(const io::InputFile& file, std::uint64_t locator_offset, const End& short_end) {
  const std::vector<std::byte> locator_bytes = read_bytes(file, locator_offset, kZip64LocatorBytes);
  ByteReader locator(locator_bytes);
  locator.u32();
  const std::uint32_t disk = locator.u32();
  const std::uint64_t offset = locator.u64();
  const std::uint32_t disks = locator.u32();
  if (disk != 0 || disks > 1) fail(ErrorCode::unsupported, "the archive spans several disks");
  if (locator_offset < kZip64EndBytes || offset != locator_offset - kZip64EndBytes) {
    fail(ErrorCode::corrupt, "the zip64 end is not where it should be (expected byte {}, got {})",
         locator_offset - kZip64EndBytes, offset);
  }
  const std::vector<std::byte> bytes = read_bytes(file, offset, kZip64EndBytes);
  ByteReader reader(bytes);
  if (reader.u32() != kZip64End || reader.u64() != kZip64EndBytes - 12) {
    fail(ErrorCode::corrupt, "the zip64 end of the archive is damaged");
  }
  reader.bytes(4);  // versions
  if (reader.u32() != 0 || reader.u32() != 0) {
    fail(ErrorCode::unsupported, "the archive spans several disks");
  }
  End end;
  const std::uint64_t records_here = reader.u64();
  end.records = reader.u64();
  end.directory_bytes = reader.u64();
  end.directory_offset = reader.u64();
  end.offset = offset;
  check_agrees(records_here, end.records, end.records);
  check_agrees(short_end.records, kSaturated16, end.records);
  check_agrees(short_end.directory_bytes, kSaturated32, end.directory_bytes);
  check_agrees(short_end.directory_offset, kSaturated32, end.directory_offset);
  return end;
}

End read_end(const io::InputFile& file) {
  if (file.size() < kEndBytes) throw_no_end(file);
  End end;
  end.offset = file.size() - kEndBytes;
  const std::vector<std::byte> bytes = read_bytes(file, end.offset, kEndBytes);
  ByteReader reader(bytes);
  if (reader.u32() != kEnd) throw_no_end(file);
  if (reader.u16() != 0 || reader.u16() != 0) {
    fail(ErrorCode::unsupported, "the archive spans several disks");
  }
  const std::uint16_t records_here = reader.u16();
  end.records = reader.u16();
  end.directory_bytes = reader.u32();
  end.directory_offset = reader.u32();
  check_agrees(records_here, end.records, end.records);
  if (reader.u16() != 0) throw_no_end(file);  // a comment would begin where the file ends
  if (end.offset < kZip64LocatorBytes) return end;
  const std::uint64_t locator_offset = end.offset - kZip64LocatorBytes;
  const std::vector<std::byte> signature = read_bytes(file, locator_offset, 4);
  const bool is_zip64 = ByteReader(signature).u32() == kZip64Locator;
  return is_zip64 ? read_zip64_end(file, locator_offset, end) : end;
}

void check_end(const End& end, const Limits& limits) {
  if (end.directory_offset > end.offset ||
      end.directory_bytes != end.offset - end.directory_offset) {
    fail_at(ErrorCode::corrupt, {}, std::string(kTruncatedAdvice),
            "the directory of the archive does not fill the space before its end (expected {} "
            "bytes from byte {} to byte {})",
            end.directory_bytes, end.directory_offset, end.offset);
  }
  if (end.records > end.directory_bytes / kCentralHeaderBytes) {
    fail(ErrorCode::corrupt, "the directory of the archive is too short for {} records",
         end.records);
  }
  if (end.records > limits.max_records) {
    fail(ErrorCode::unsafe, "the archive has {} records (expected at most {}: max_records)",
         end.records, limits.max_records);
  }
}

void check_flags(std::uint16_t flags) {
  if ((flags & kEncrypted) != 0) fail(ErrorCode::unsupported, "is encrypted");
  constexpr std::uint16_t kKnown = kCompressionLevel | kHasDescriptor | kUtf8Name;
  if ((flags & ~kKnown) != 0) {
    fail(ErrorCode::unsupported, "has unknown flags (0x{:04x})", flags);
  }
}

// Neither a directory nor a link, whichever system wrote it.
void check_attributes(std::uint16_t made_by, std::uint32_t attributes) {
  constexpr std::uint32_t kDosDirectory = 0x10;
  constexpr std::uint16_t kUnix = 3;
  constexpr std::uint32_t kTypeMask = 0170000, kRegular = 0100000;
  const std::uint32_t type = made_by >> 8 == kUnix ? (attributes >> 16) & kTypeMask : 0;
  if ((attributes & kDosDirectory) != 0 || (type != 0 && type != kRegular)) {
    fail(ErrorCode::unsafe, "is a directory, a link or a device instead of a file");
  }
}

void check_method(std::uint16_t method, const Record& record) {
  if (method == static_cast<std::uint16_t>(Method::stored)) {
    if (record.stored_bytes != record.bytes) {
      fail(ErrorCode::corrupt, "has two sizes though it is not compressed ({} and {} bytes)",
           record.stored_bytes, record.bytes);
    }
  } else if (method == static_cast<std::uint16_t>(Method::deflated)) {
    if (record.bytes / kMostCompression > record.stored_bytes) {
      fail(ErrorCode::corrupt, "cannot inflate from {} to {} bytes", record.stored_bytes,
           record.bytes);
    }
  } else {
    fail(ErrorCode::unsupported, "is compressed by method {} (expected 0 or 8)", method);
  }
}

Record read_entry(ByteReader& reader) {
  if (reader.remaining() < kCentralHeaderBytes || reader.u32() != kCentralHeader) {
    fail(ErrorCode::corrupt, "the directory of the archive is damaged");
  }
  Record record;
  const std::uint16_t made_by = reader.u16();
  reader.bytes(2);  // version needed
  record.flags = reader.u16();
  const std::uint16_t method = reader.u16();
  reader.bytes(4);  // time and date
  record.crc32 = reader.u32();
  record.stored_bytes = reader.u32();
  record.bytes = reader.u32();
  const std::uint16_t name_bytes = reader.u16();
  const std::uint16_t extra_bytes = reader.u16();
  const std::uint16_t comment_bytes = reader.u16();
  const std::uint16_t disk = reader.u16();
  reader.bytes(2);  // internal attributes
  const std::uint32_t attributes = reader.u32();
  record.header_offset = reader.u32();
  record.name = reader.text(name_bytes);
  check_record_name(record.name);
  try {
    apply_zip64_extra(reader.bytes(extra_bytes), record.bytes, record.stored_bytes,
                      record.header_offset);
    reader.bytes(comment_bytes);
    if (disk != 0) fail(ErrorCode::unsupported, "lies on another disk");
    check_flags(record.flags);
    check_attributes(made_by, attributes);
    check_method(method, record);
    record.method = static_cast<Method>(method);
  } catch (Error& error) {
    Place place;
    place.record = record.name;
    error.add_place(place);
    throw;
  }
  return record;
}

void check_names_distinct(const std::vector<Record>& records) {
  std::unordered_set<std::string_view, SeededHash> names;
  for (const Record& record : records) {
    if (!names.insert(record.name).second) {
      Place place;
      place.record = record.name;
      fail_at(ErrorCode::unsafe, place, "", "the archive has two records of this name");
    }
  }
}

void check_inflated_bytes(const std::vector<Record>& records, const Limits& limits) {
  std::uint64_t left = limits.max_inflated_bytes;
  for (const Record& record : records) {
    if (record.method != Method::deflated) continue;
    if (record.bytes > left) {
      fail(ErrorCode::unsafe,
           "the compressed records are too large (expected at most {} bytes together: "
           "max_inflated_bytes)",
           limits.max_inflated_bytes);
    }
    left -= record.bytes;
  }
}

}  // namespace

Directory read_directory(const io::InputFile& file, const Limits& limits) {
  const End end = read_end(file);
  check_end(end, limits);
  const std::vector<std::byte> bytes = read_bytes(file, end.directory_offset, end.directory_bytes);
  ByteReader reader(bytes);
  Directory directory;
  directory.offset = end.directory_offset;
  directory.records.reserve(static_cast<std::size_t>(end.records));
  for (std::uint64_t i = 0; i < end.records; ++i) directory.records.push_back(read_entry(reader));
  if (reader.remaining() != 0) {
    fail(ErrorCode::corrupt, "the directory of the archive has {} bytes too many",
         reader.remaining());
  }
  check_names_distinct(directory.records);
  check_inflated_bytes(directory.records, limits);
  return directory;
}

}  // namespace torchkeep::zip
