// The blocks of 512 bytes in front of each member of a tar archive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace torchkeep::tar {

constexpr std::size_t kBlockBytes = 512;

enum class Type : char {
  file = '0',
  file_of_version_7 = '\0',
  contiguous_file = '7',
  directory = '5',
  pax = 'x',
  pax_for_all = 'g',
  gnu_long_name = 'L',
};

struct Header {
  std::string name;
  std::uint64_t bytes = 0;  // of the content behind it
  Type type = Type::file;
};

// Nothing for a block of zeros, which ends the archive. Throws corrupt where the checksum or a
// number is wrong; unsafe for a negative size, a link or a device; unsupported for other types.
std::optional<Header> decode_header(std::span<const std::byte> block);

// What a PAX header says about the member that follows. It may also be about all, but only the name
// and the size matter here, and those are of one member.
struct Pax {
  std::optional<std::string> name;
  std::optional<std::uint64_t> bytes;
};

// Throws corrupt where a line is not as long as it says; unsupported for a sparse member.
Pax decode_pax(std::string_view text);

}  // namespace torchkeep::tar
