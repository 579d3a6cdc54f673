#include "format/zip/writer.h"

#include <algorithm>
#include <utility>

#include "base/byte_reader.h"
#include "base/fail.h"
#include "format/zip/layout.h"
#include "io/checksum.h"

namespace torchkeep::zip {
namespace {

// Stays in the cache between its checksum and the copy into the system's memory.
constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
// Records up to this size are gathered; larger ones go to the sink from where they lie.
constexpr std::size_t kGatheredBytes = std::size_t{256} << 10;
constexpr std::size_t kMostPendingBytes = std::size_t{1} << 20;

bool is_saturated(std::uint64_t number) { return number >= kSaturated32; }

std::uint32_t saturated(std::uint64_t number) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(number, kSaturated32));
}

std::uint16_t flags_of(const Writer::Entry& entry) {
  return entry.bytes == 0 ? kUtf8Name : static_cast<std::uint16_t>(kUtf8Name | kHasDescriptor);
}

std::uint16_t version_needed(const Writer::Entry& entry) {
  return entry.method == Method::deflated ? 20 : 0;
}

bool is_zip64(const Writer::Entry& entry) {
  return is_saturated(entry.bytes) || is_saturated(entry.stored_bytes) ||
         is_saturated(entry.header_offset);
}

// The zip64 block of a header; empty where no number needs it.
std::string zip64_extra(const Writer::Entry& entry, std::uint64_t stored_bytes) {
  if (!is_zip64(entry)) return {};
  std::string numbers;
  if (is_saturated(entry.bytes) || is_saturated(entry.stored_bytes)) {
    append_number(numbers, entry.bytes);
    append_number(numbers, stored_bytes);
  }
  if (is_saturated(entry.header_offset)) append_number(numbers, entry.header_offset);
  std::string block;
  append_number(block, kZip64Extra);
  append_number(block, static_cast<std::uint16_t>(numbers.size()));
  return block + numbers;
}

// A block of such a length that the data after it is aligned.
std::string padding_extra(std::uint64_t bytes_before, std::uint64_t alignment) {
  constexpr std::uint64_t kBlockHeaderBytes = 4;
  const std::uint64_t padding =
      (alignment - (bytes_before + kBlockHeaderBytes) % alignment) % alignment;
  std::string block;
  append_number(block, kPaddingExtra);
  append_number(block, static_cast<std::uint16_t>(padding));
  block.append(static_cast<std::size_t>(padding), 'Z');
  return block;
}

}  // namespace

Writer::Writer(Sink sink, std::string root, std::uint64_t alignment)
    : sink_(std::move(sink)), root_(std::move(root)), alignment_(alignment) {
  constexpr std::uint64_t kMostAlignment = 1 << 15;
  if (alignment_ < 1 || alignment_ > kMostAlignment) {
    fail(ErrorCode::invalid_argument, "records aligned to {} bytes (expected 1 to {})", alignment_,
         kMostAlignment);
  }
}

std::string Writer::path_of(const Entry& entry) const {
  return root_.empty() ? entry.name : root_ + "/" + entry.name;
}

void Writer::begin(const Entry& entry) {
  if (path_of(entry).size() > kSaturated16) {
    fail(ErrorCode::invalid_argument, "the name of a record is too long ({} bytes)",
         entry.name.size());
  }
  append_local_header(entry);
}

void Writer::add(std::string_view name, std::span<const std::byte> bytes) { add(name, {bytes}); }

void Writer::add(std::string_view name, std::initializer_list<std::span<const std::byte>> parts) {
  std::uint64_t bytes = 0;
  for (const std::span<const std::byte> part : parts) bytes += part.size();
  Entry entry{
      .name = std::string(name), .bytes = bytes, .header_offset = position_, .stored_bytes = bytes};
  begin(entry);
  for (const std::span<const std::byte> part : parts) append_data(part, entry);
  if (bytes > 0) append_descriptor(entry);
  entries_.push_back(std::move(entry));
}

void Writer::add(std::string_view name, std::string_view text) {
  add(name, std::as_bytes(std::span(text)));
}

void Writer::copy(const Reader& from, const Record& record, std::string_view name) {
  Entry entry{.name = std::string(name),
              .crc32 = record.crc32,
              .bytes = record.bytes,
              .header_offset = position_,
              .method = record.method,
              .stored_bytes = record.stored_bytes};
  const bool is_stored = record.method == Method::stored;
  if (!is_stored) from.read(record);  // throws where it is damaged
  begin(entry);
  std::vector<std::byte> chunk;
  std::uint32_t crc32 = 0;
  for (std::uint64_t done = 0; done < record.stored_bytes; done += chunk.size()) {
    const std::uint64_t left = record.stored_bytes - done;
    chunk.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, kChunkBytes)));
    from.file().read(record.data_offset + done, chunk);
    if (is_stored) crc32 = io::crc32(chunk, crc32);
    append_chunk(chunk);
  }
  if (is_stored) check_checksum(record, crc32);
  if (entry.bytes > 0) append_descriptor(entry);
  entries_.push_back(std::move(entry));
}

void Writer::append_local_header(const Entry& entry) {
  const std::string name = path_of(entry);
  // PyTorch leaves the stored size at 0 here, for it is in the descriptor.
  std::string extra = zip64_extra(entry, 0);
  extra += padding_extra(position_ + kLocalHeaderBytes + name.size() + extra.size(), alignment_);
  std::string header;
  append_number(header, kLocalHeader);
  append_number(header, version_needed(entry));
  append_number(header, flags_of(entry));
  append_number(header, static_cast<std::uint16_t>(entry.method));
  append_number(header, std::uint32_t{0});  // time and date
  append_number(header, std::uint32_t{0});  // checksum and sizes are in the descriptor
  append_number(header, std::uint32_t{0});
  append_number(header, std::uint32_t{0});
  append_number(header, static_cast<std::uint16_t>(name.size()));
  append_number(header, static_cast<std::uint16_t>(extra.size()));
  append(header + name + extra);
}

void Writer::append_data(std::span<const std::byte> bytes, Entry& entry) {
  while (!bytes.empty()) {
    const std::span<const std::byte> chunk = bytes.first(std::min(bytes.size(), kChunkBytes));
    entry.crc32 = io::crc32(chunk, entry.crc32);
    append_chunk(chunk);
    bytes = bytes.subspan(chunk.size());
  }
}

void Writer::append_chunk(std::span<const std::byte> chunk) {
  if (chunk.size() <= kGatheredBytes) {
    append({reinterpret_cast<const char*>(chunk.data()), chunk.size()});
    return;
  }
  flush();
  position_ += chunk.size();
  sink_(chunk);
}

void Writer::append_descriptor(const Entry& entry) {
  std::string descriptor;
  append_number(descriptor, kDescriptor);
  append_number(descriptor, entry.crc32);
  for (const std::uint64_t size : {entry.stored_bytes, entry.bytes}) {
    if (is_zip64(entry)) {
      append_number(descriptor, size);
    } else {
      append_number(descriptor, static_cast<std::uint32_t>(size));
    }
  }
  append(descriptor);
}

void Writer::append_central_header(const Entry& entry) {
  const std::string name = path_of(entry);
  const std::string extra = zip64_extra(entry, entry.stored_bytes);
  std::string header;
  append_number(header, kCentralHeader);
  append_number(header, std::uint16_t{0});  // version made by
  append_number(header, version_needed(entry));
  append_number(header, flags_of(entry));
  append_number(header, static_cast<std::uint16_t>(entry.method));
  append_number(header, std::uint32_t{0});  // time and date
  append_number(header, entry.crc32);
  append_number(header, saturated(entry.stored_bytes));
  append_number(header, saturated(entry.bytes));
  append_number(header, static_cast<std::uint16_t>(name.size()));
  append_number(header, static_cast<std::uint16_t>(extra.size()));
  append_number(header, std::uint16_t{0});  // comment
  append_number(header, std::uint16_t{0});  // disk
  append_number(header, std::uint16_t{0});  // internal attributes
  append_number(header, std::uint32_t{0});  // external attributes
  append_number(header, saturated(entry.header_offset));
  append(header + name + extra);
}

void Writer::finish() {
  const std::uint64_t directory_offset = position_;
  for (const Entry& entry : entries_) append_central_header(entry);
  append_end(directory_offset);
  flush();
}

void Writer::append_end(std::uint64_t directory_offset) {
  constexpr std::uint16_t kMadeBy = 0x031E;
  constexpr std::uint16_t kVersionNeeded = 45;
  const std::uint64_t directory_bytes = position_ - directory_offset;
  const std::uint64_t zip64_end_offset = position_;
  const std::uint64_t count = entries_.size();
  std::string end;
  append_number(end, kZip64End);
  append_number(end, std::uint64_t{kZip64EndBytes - 12});  // what follows this number
  append_number(end, kMadeBy);
  append_number(end, kVersionNeeded);
  append_number(end, std::uint32_t{0});  // this disk
  append_number(end, std::uint32_t{0});  // the disk of the directory
  append_number(end, count);
  append_number(end, count);
  append_number(end, directory_bytes);
  append_number(end, directory_offset);

  append_number(end, kZip64Locator);
  append_number(end, std::uint32_t{0});  // the disk of the zip64 end
  append_number(end, zip64_end_offset);
  append_number(end, std::uint32_t{1});  // disks

  const auto short_count = static_cast<std::uint16_t>(std::min<std::uint64_t>(count, kSaturated16));
  append_number(end, kEnd);
  append_number(end, std::uint32_t{0});  // both disks
  append_number(end, short_count);
  append_number(end, short_count);
  append_number(end, saturated(directory_bytes));
  append_number(end, saturated(directory_offset));
  append_number(end, std::uint16_t{0});  // comment
  append(end);
}

void Writer::append(std::string_view text) {
  if (pending_.size() + text.size() > kMostPendingBytes) flush();
  pending_ += text;
  position_ += text.size();
}

void Writer::flush() {
  if (!pending_.empty()) sink_(std::as_bytes(std::span(pending_)));
  pending_.clear();
}

}  // namespace torchkeep::zip
