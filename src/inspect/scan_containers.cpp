#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/byte_reader.h"
#include "base/fail.h"
#include "base/utf8.h"
#include "format/zip/layout.h"
#include "format/zip/salvage.h"
#include "inspect/scan_content.h"
#include "io/checksum.h"

namespace torchkeep::inspection {
namespace {

using namespace std::string_view_literals;

// Enough to see that a record is no pickle.
constexpr std::size_t kSniffedBytes = 512;

struct Magic {
  std::string_view bytes;
  std::string_view format;
};

constexpr auto kClosedContainers = std::to_array<Magic>({
    {"7z\xBC\xAF\x27\x1C"sv, "7z"},
    {"Rar!\x1A\x07"sv, "rar"},
    {"\xFD"
     "7zXZ\0"sv,
     "xz"},
    {"BZh"sv, "bzip2"},
    {"\x28\xB5\x2F\xFD"sv, "zstd"},
    {"\x04\x22\x4D\x18"sv, "lz4"},
});

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_gzip(std::string_view text) { return text.starts_with("\x1F\x8B\x08"sv); }

bool is_zlib(std::string_view text) {
  return text.starts_with("\x78\x01"sv) || text.starts_with("\x78\x5E"sv) ||
         text.starts_with("\x78\x9C"sv) || text.starts_with("\x78\xDA"sv);
}

bool is_tar(std::string_view text) {
  constexpr std::size_t kMagicOffset = 257;
  return text.size() >= 512 && text.substr(kMagicOffset).starts_with("ustar"sv);
}

// Archives are read from their end: bytes in front of one do not hide it from every reader.
bool has_archive_end(std::string_view text) {
  constexpr std::size_t kMostTail = 0xFFFF + zip::kEndBytes;
  const std::string_view tail = text.substr(text.size() - std::min(text.size(), kMostTail));
  return tail.find("PK\5\6"sv) != std::string_view::npos &&
         text.find("PK\1\2"sv) != std::string_view::npos;
}

bool has_pickle_name(std::string_view name) {
  return name.ends_with(".pkl") || name.ends_with(".pickle");
}

// Whether the start of a record could be that of something to scan.
bool may_hold_pickles(std::string_view text, const Limits& limits) {
  if (text.empty()) return false;
  if (text.starts_with("\x93NUMPY"sv) || text.starts_with("PK\3\4"sv) || is_tar(text)) return true;
  const bool has_protocol = text.size() > 1 && text[0] == '\x80' && text[1] >= 0 && text[1] <= 5;
  const std::string_view start = text.substr(0, kSniffedBytes);
  const pickle::Globals globals =
      pickle::find_globals(std::as_bytes(std::span(start.data(), start.size())), limits);
  if (globals.is_complete || !globals.uses.empty()) return true;
  // Followed to the end of the part that was looked at.
  return has_protocol && globals.bytes_used > 2
             ? true
             : globals.bytes_used + 64 >= start.size() && start.size() == kSniffedBytes;
}

std::uint64_t parse_octal(std::string_view field) {
  const std::size_t first = field.find_first_not_of(' ');
  if (first == std::string_view::npos) return 0;
  std::uint64_t number = 0;
  std::from_chars(field.data() + first, field.data() + field.size(), number, 8);
  return number;
}

}  // namespace

bool ContentScanner::scan_container(const Content& content) {
  const std::string_view text = as_text(content.bytes);
  for (const Magic& magic : kClosedContainers) {
    if (!text.starts_with(magic.bytes)) continue;
    set_format(content, magic.format);
    add_suspicion(content, {},
                  fmt::format("not scanned: torchkeep does not unpack {}", magic.format));
    return true;
  }
  if (text.starts_with("PK\3\4"sv) || text.starts_with("PK\5\6"sv)) {
    scan_archive(content);
    return true;
  }
  if (is_tar(text)) {
    scan_tar(content);
    return true;
  }
  if (is_gzip(text) || is_zlib(text)) {
    scan_compressed(content);
    return true;
  }
  if (has_archive_end(text)) {
    add_suspicion(content, 0, "an archive with other data in front of it: readers differ on it");
    scan_archive(content);
    scan_pickles(content);
    return true;
  }
  return false;
}

void ContentScanner::scan_archive(const Content& content) {
  set_format(content, "zip");
  const zip::Salvage archive = zip::salvage(content.bytes, options_.limits);
  if (content.archive == Archive::unchecked) {
    for (const zip::Flaw& flaw : archive.flaws) add_suspicion(content, flaw.begin, flaw.problem);
  }
  const std::string_view file = as_text(content.bytes);
  for (const zip::Salvaged& salvaged : archive.records) {
    const zip::Record& record = salvaged.record;
    Content inside;
    inside.record = content.record.empty() ? record.name : content.record + ":" + record.name;
    inside.depth = content.depth + 1;
    if (!salvaged.problem.empty()) add_suspicion(inside, {}, salvaged.problem);
    const bool is_stored = record.method == zip::Method::stored;
    if (is_stored && !has_pickle_name(record.name) &&
        !may_hold_pickles(file.substr(record.data_offset, record.stored_bytes), options_.limits)) {
      continue;
    }
    zip::Content unpacked = zip::content_of(
        content.bytes, record, std::min(bytes_left_, options_.limits.max_inflated_bytes));
    const bool may_hold =
        has_pickle_name(record.name) || may_hold_pickles(as_text(unpacked.bytes), options_.limits);
    if (!unpacked.is_whole) {
      add_suspicion(inside, {},
                    is_stored ? "the record cannot be read to its end"
                              : "the record cannot be inflated to its end");
    } else if (may_hold && zip::matches_checksum(salvaged, io::crc32(unpacked.bytes)) == false) {
      add_suspicion(inside, {}, "the checksum of the record is wrong");
    }
    if ((record.flags & zip::kEncrypted) != 0) {
      add_suspicion(inside, {}, "the record is marked as encrypted, which hides it from readers");
    }
    if (!may_hold) continue;
    inside.bytes = unpacked.bytes;
    if (!unpacked.inflated.empty()) {
      auto owner = std::make_shared<const std::vector<std::byte>>(std::move(unpacked.inflated));
      inside.bytes = *owner;
      inside.owner = std::move(owner);
    } else {
      inside.owner = content.owner;
    }
    add_later(std::move(inside));
  }
}

void ContentScanner::scan_tar(const Content& content) {
  constexpr std::size_t kBlock = 512, kNameBytes = 100, kSizeOffset = 124, kSizeBytes = 12;
  set_format(content, "tar");
  const std::string_view text = as_text(content.bytes);
  for (std::size_t offset = 0; text.size() - offset >= kBlock;) {
    const std::string_view name = text.substr(offset, kNameBytes);
    if (name.front() == '\0') break;
    const std::uint64_t size = parse_octal(text.substr(offset + kSizeOffset, kSizeBytes));
    offset += kBlock;
    Content inside;
    inside.record = name.substr(0, name.find('\0'));
    if (!content.record.empty()) inside.record = content.record + ":" + inside.record;
    inside.depth = content.depth + 1;
    inside.owner = content.owner;
    const std::uint64_t available = text.size() - offset;
    if (size > available) add_suspicion(inside, {}, "the file ends before this member");
    inside.bytes =
        content.bytes.subspan(offset, static_cast<std::size_t>(std::min(size, available)));
    add_later(std::move(inside));
    if (size > available) break;
    offset += std::min<std::uint64_t>((size + kBlock - 1) / kBlock * kBlock, available);
  }
}

void ContentScanner::scan_compressed(const Content& content) {
  constexpr int kZlibOrGzip = 47;
  const bool gzip = is_gzip(as_text(content.bytes));
  const std::uint64_t most = std::min(bytes_left_, options_.limits.max_inflated_bytes);
  zip::Content unpacked = zip::inflate_loosely(content.bytes, most, kZlibOrGzip);
  if (!gzip && unpacked.inflated.empty()) return;  // looked compressed by chance
  set_format(content, gzip ? "gzip" : "zlib");
  if (!unpacked.is_whole) add_suspicion(content, {}, "cannot be inflated to its end");
  auto owner = std::make_shared<const std::vector<std::byte>>(std::move(unpacked.inflated));
  const std::span<const std::byte> bytes = *owner;
  add_later({.bytes = bytes,
             .owner = std::move(owner),
             .record = content.record + (gzip ? "[gzip]" : "[zlib]"),
             .depth = content.depth + 1});
}

// Arrays of Python objects are pickles behind the header.
bool ContentScanner::scan_array(const Content& content) {
  const std::string_view text = as_text(content.bytes);
  if (!text.starts_with("\x93NUMPY"sv) || text.size() < 12) return false;
  set_format(content, "npy");
  ByteReader reader(content.bytes.subspan(8));
  const bool is_long = text[6] >= 2;
  const std::uint64_t header_bytes = is_long ? reader.u32() : reader.u16();
  const std::uint64_t begin = (is_long ? 12 : 10) + header_bytes;
  if (begin > text.size()) return true;
  const std::string_view header = text.substr(0, static_cast<std::size_t>(begin));
  if (header.find('O') == std::string_view::npos) return true;
  Content inside = content;
  inside.bytes = content.bytes.subspan(static_cast<std::size_t>(begin));
  inside.record += fmt::format("[objects at {}]", begin);
  inside.depth = content.depth + 1;
  add_later(std::move(inside));
  return true;
}

}  // namespace torchkeep::inspection
