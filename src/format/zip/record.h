// A record (a "file") of a zip archive.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace torchkeep::zip {

enum class Method : std::uint16_t { stored = 0, deflated = 8 };

struct Record {
  std::string name;  // with its folders
  Method method = Method::stored;
  std::uint16_t flags = 0;
  std::uint32_t crc32 = 0;
  std::uint64_t header_offset = 0;  // of the local header, in the file
  std::uint64_t data_offset = 0;    // of the first byte stored, in the file
  std::uint64_t stored_bytes = 0;   // in the file
  std::uint64_t bytes = 0;          // when inflated; as many as stored_bytes where it is stored

  // PyTorch can be told not to compute checksums; it writes 0 then.
  bool has_checksum() const { return crc32 != 0; }
  std::uint64_t data_end() const { return data_offset + stored_bytes; }
};

// Throws unsafe for a name that could not be a plain relative path in every system: empty,
// absolute, with `..`, an empty part, a backslash or a control character, or not UTF-8.
void check_record_name(std::string_view name);

}  // namespace torchkeep::zip
