#include "format/pickle/output.h"

#include <bit>
#include <limits>

#include "base/fail.h"
#include "base/printable.h"
#include "format/pickle/number.h"
#include "format/pickle/text.h"

namespace torchkeep::pickle {
namespace {

constexpr std::uint64_t kProtocol = 2;

template <class Small>
bool fits(std::uint64_t number) {
  return number <= std::numeric_limits<Small>::max();
}

}  // namespace

void Output::put_little_endian(std::uint64_t number, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) {
    bytes_.push_back(static_cast<char>(number >> (8 * i) & 0xffU));
  }
}

void Output::put_protocol() {
  put(Opcode::proto);
  put_little_endian(kProtocol, 1);
}

void Output::put_integer(std::int64_t number) {
  const auto bits = static_cast<std::uint64_t>(number);
  if (fits<std::uint8_t>(bits)) {
    put(Opcode::binint1);
    put_little_endian(bits, 1);
  } else if (fits<std::uint16_t>(bits)) {
    put(Opcode::binint2);
    put_little_endian(bits, 2);
  } else if (number == static_cast<std::int32_t>(number)) {
    put(Opcode::binint);
    put_little_endian(bits, 4);
  } else {
    put_long(twos_complement(number));
  }
}

void Output::put_long(std::string_view twos_complement) {
  if (fits<std::uint8_t>(twos_complement.size())) {
    put(Opcode::long1);
    put_little_endian(twos_complement.size(), 1);
  } else {
    put(Opcode::long4);
    put_little_endian(twos_complement.size(), 4);
  }
  bytes_ += twos_complement;
}

void Output::put_float(double number) {
  put(Opcode::binfloat);
  put_little_endian(__builtin_bswap64(std::bit_cast<std::uint64_t>(number)), 8);
}

void Output::put_text(std::string_view utf8) {
  if (!fits<std::uint32_t>(utf8.size())) {
    fail(ErrorCode::unsupported, "a string of {} bytes (pickle protocol 2 has at most 4 GiB)",
         utf8.size());
  }
  if (!is_utf8(utf8)) {
    fail_at(ErrorCode::invalid_argument, {}, "keep it as Bytes",
            "a string that is not UTF-8, which Python could not read: '{}'",
            printable(utf8.substr(0, 40)));
  }
  put(Opcode::binunicode);
  put_little_endian(utf8.size(), 4);
  bytes_ += utf8;
}

void Output::put_global(std::string_view module, std::string_view name) {
  put(Opcode::global);
  bytes_ += module;
  bytes_ += '\n';
  bytes_ += name;
  bytes_ += '\n';
}

void Output::put_memo(std::uint32_t number) {
  const bool is_short = fits<std::uint8_t>(number);
  put(is_short ? Opcode::binput : Opcode::long_binput);
  put_little_endian(number, is_short ? 1 : 4);
}

void Output::put_memo_reference(std::uint32_t number) {
  const bool is_short = fits<std::uint8_t>(number);
  put(is_short ? Opcode::binget : Opcode::long_binget);
  put_little_endian(number, is_short ? 1 : 4);
}

}  // namespace torchkeep::pickle
