#include "format/tar/header.h"

#include <algorithm>
#include <charconv>

#include "base/fail.h"
#include "base/printable.h"

namespace torchkeep::tar {
namespace {

// Places of the fields in a block.
struct Field {
  std::size_t offset;
  std::size_t bytes;
};
constexpr Field kName = {0, 100};
constexpr Field kSize = {124, 12};
constexpr Field kChecksum = {148, 8};
constexpr Field kType = {156, 1};
constexpr Field kMagic = {257, 5};
constexpr Field kPrefix = {345, 155};

std::string_view field(std::span<const std::byte> block, Field at) {
  return {reinterpret_cast<const char*>(block.data()) + at.offset, at.bytes};
}

std::string_view text_field(std::span<const std::byte> block, Field at) {
  const std::string_view text = field(block, at);
  return text.substr(0, text.find('\0'));
}

std::uint64_t decode_octal(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  text = text.substr(0, text.find_first_of(std::string_view("\0 ", 2)));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 8);
  if (!text.empty() && (error != std::errc() || end != text.data() + text.size())) {
    fail(ErrorCode::corrupt, "a number in the header of a member is not octal: \"{}\"",
         printable(text));
  }
  return number;
}

// GNU writes large numbers in base 256: big-endian, with the first bit set.
std::uint64_t decode_number(std::string_view text) {
  const auto first = static_cast<std::uint8_t>(text[0]);
  if ((first & 0x80U) == 0) return decode_octal(text);
  std::uint64_t number = 0;
  if ((first & 0x40U) != 0) fail(ErrorCode::corrupt, "the size of a member is negative");
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (number >> 56U != 0) fail(ErrorCode::corrupt, "the size of a member is over 2^64");
    number = number << 8U | (i == 0 ? byte & 0x7FU : byte);
  }
  return number;
}

void check_checksum(std::span<const std::byte> block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const bool is_own = i >= kChecksum.offset && i < kChecksum.offset + kChecksum.bytes;
    sum += is_own ? ' ' : std::to_integer<unsigned>(block[i]);
  }
  const std::uint64_t declared = decode_octal(field(block, kChecksum));
  if (sum != declared) {
    fail(ErrorCode::corrupt,
         "the header of a member is damaged: the checksum differs (expected {}, got {})", declared,
         sum);
  }
}

Type decode_type(char type, std::string_view name) {
  switch (type) {
    case static_cast<char>(Type::file):
    case static_cast<char>(Type::file_of_version_7):
    case static_cast<char>(Type::contiguous_file):
    case static_cast<char>(Type::directory):
    case static_cast<char>(Type::pax):
    case static_cast<char>(Type::pax_for_all):
    case static_cast<char>(Type::gnu_long_name):
      return static_cast<Type>(type);
    case '1':
    case '2':
    case 'K':
      fail(ErrorCode::unsafe, "the member {} is a link", printable(name));
    case '3':
    case '4':
    case '6':
      fail(ErrorCode::unsafe, "the member {} is a device or a pipe", printable(name));
    default:
      fail(ErrorCode::unsupported, "the member {} is of an unknown type ('{}')", printable(name),
           printable(std::string_view(&type, 1)));
  }
}

std::uint64_t decode_decimal(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    fail(ErrorCode::corrupt, "a number in a PAX header is not decimal: \"{}\"",
         printable(text.substr(0, 40)));
  }
  return number;
}

// One "LENGTH KEY=VALUE\n"; LENGTH counts all of it.
std::string_view take_line(std::string_view& text) {
  const std::size_t space = text.find(' ');
  const std::uint64_t length = decode_decimal(text.substr(0, std::min(space, text.size())));
  if (space == std::string_view::npos || length > text.size() || length < space + 3 ||
      text[static_cast<std::size_t>(length) - 1] != '\n') {
    fail(ErrorCode::corrupt, "a line of a PAX header is not as long as it says");
  }
  const std::string_view line =
      text.substr(space + 1, static_cast<std::size_t>(length) - space - 2);
  text.remove_prefix(static_cast<std::size_t>(length));
  return line;
}

}  // namespace

std::optional<Header> decode_header(std::span<const std::byte> block) {
  if (std::ranges::all_of(block, [](std::byte b) { return b == std::byte{0}; })) {
    return std::nullopt;
  }
  if (field(block, kMagic) != "ustar") {
    fail(ErrorCode::corrupt, "a block is no header of a member (expected \"ustar\" in it)");
  }
  check_checksum(block);
  Header header;
  header.name = text_field(block, kName);
  const std::string_view prefix = text_field(block, kPrefix);
  // GNU's kind has other fields where ustar has the first part of a long name.
  const bool is_gnu = field(block, {kMagic.offset + kMagic.bytes, 1}) == " ";
  if (!prefix.empty() && !is_gnu) header.name = std::string(prefix) + "/" + header.name;
  header.type = decode_type(field(block, kType)[0], header.name);
  header.bytes = decode_number(field(block, kSize));
  return header;
}

Pax decode_pax(std::string_view text) {
  Pax pax;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      fail(ErrorCode::corrupt, "a line of a PAX header has no value");
    }
    const std::string_view key = line.substr(0, equals);
    const std::string_view value = line.substr(equals + 1);
    if (key == "path") pax.name = value;
    if (key == "size") pax.bytes = decode_decimal(value);
    if (key == "linkpath") fail(ErrorCode::unsafe, "a member is a link");
    if (key.starts_with("GNU.sparse")) fail(ErrorCode::unsupported, "a member is sparse");
  }
  return pax;
}

}  // namespace torchkeep::tar
