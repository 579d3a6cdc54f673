// Writes zip archives laid out as PyTorch's: all data aligned, and compressed only where it is
// copied from an archive in which it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/zip/reader.h"

namespace torchkeep::zip {

// Streams an archive in one pass: each byte is read once, and the checksum is computed while it is
// in the processor's cache. Small records are gathered and written together. Not synchronised.
class Writer {
 public:
  // Takes the bytes of the archive, in order.
  using Sink = std::function<void(std::span<const std::byte>)>;

  struct Entry {
    std::string name;  // without the root
    std::uint32_t crc32 = 0;
    std::uint64_t bytes = 0;  // when inflated
    std::uint64_t header_offset = 0;
    Method method = Method::stored;
    std::uint64_t stored_bytes = 0;
  };

  static constexpr std::uint64_t kAlignment = 64;  // PyTorch's

  // All records lie in the folder `root`, or in none if it is empty, their data at multiples of
  // `alignment` (from 1 to 32768) from the start of the archive.
  Writer(Sink sink, std::string root, std::uint64_t alignment = kAlignment);

  // Appends a record. Throws invalid_argument for a name that is too long; what the sink throws.
  void add(std::string_view name, std::span<const std::byte> bytes);
  void add(std::string_view name, std::string_view text);
  // The parts one after the other.
  void add(std::string_view name, std::initializer_list<std::span<const std::byte>> parts);
  // Appends a record of another archive as that stores it: compressed if it is, and without a
  // checksum if it has none. Throws corrupt where it is damaged; io.
  void copy(const Reader& from, const Record& record, std::string_view name);
  // Appends the central directory and the end; nothing may follow.
  void finish();

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::string path_of(const Entry& entry) const;
  void begin(const Entry& entry);
  void append_local_header(const Entry& entry);
  void append_data(std::span<const std::byte> bytes, Entry& entry);
  void append_chunk(std::span<const std::byte> chunk);
  void append_descriptor(const Entry& entry);
  void append_central_header(const Entry& entry);
  void append_end(std::uint64_t directory_offset);
  void append(std::string_view text);
  void flush();

  Sink sink_;
  std::string root_;
  std::uint64_t alignment_;
  std::vector<Entry> entries_;
  std::string pending_;         // not yet handed to the sink
  std::uint64_t position_ = 0;  // of the archive, pending bytes included
};

}  // namespace torchkeep::zip
