#include "format/pickle/number.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "base/fail.h"

namespace torchkeep::pickle {
namespace {

bool is_negative(std::string_view bytes) {
  return !bytes.empty() && (static_cast<std::uint8_t>(bytes.back()) & 0x80U) != 0;
}

// Without bytes that only repeat the sign.
std::string_view shortened(std::string_view bytes) {
  const char fill = is_negative(bytes) ? '\xff' : '\0';
  while (!bytes.empty() && bytes.back() == fill) {
    const std::string_view shorter = bytes.substr(0, bytes.size() - 1);
    if (is_negative(shorter) != is_negative(bytes)) break;
    bytes = shorter;
  }
  return bytes;
}

// magnitude = magnitude * 10 + digit, little-endian.
void append_digit(std::string& magnitude, unsigned digit) {
  unsigned carry = digit;
  for (char& byte : magnitude) {
    const unsigned sum = static_cast<std::uint8_t>(byte) * 10U + carry;
    byte = static_cast<char>(sum & 0xffU);
    carry = sum >> 8;
  }
  if (carry != 0) magnitude.push_back(static_cast<char>(carry));
}

void negate(std::string& bytes) {
  unsigned carry = 1;
  for (char& byte : bytes) {
    const unsigned sum = (static_cast<std::uint8_t>(byte) ^ 0xffU) + carry;
    byte = static_cast<char>(sum & 0xffU);
    carry = sum >> 8;
  }
}

}  // namespace

Value integer_from_twos_complement(std::string_view bytes) {
  const std::string_view digits = shortened(bytes);
  if (digits.size() > sizeof(std::int64_t)) return Object::big_int(std::string(digits));
  std::uint64_t number = is_negative(digits) ? ~std::uint64_t{0} : 0;
  for (std::size_t i = digits.size(); i-- > 0;) {
    number = number << 8 | static_cast<std::uint8_t>(digits[i]);
  }
  return static_cast<std::int64_t>(number);
}

Value integer_from_decimal(std::string_view text) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    fail(ErrorCode::corrupt, "'{}' is no integer", text.substr(0, 40));
  }
  std::string bytes;
  for (const char digit : digits) append_digit(bytes, static_cast<unsigned>(digit - '0'));
  bytes.push_back('\0');  // the sign
  if (negative) negate(bytes);
  return integer_from_twos_complement(bytes);
}

double float_from_decimal(std::string_view text) {
  double number = 0.0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec == std::errc::result_out_of_range && result.ptr == end) {
    // from_chars leaves the number as it was, whether it is too large or too small.
    const bool small = text.find("e-") != std::string_view::npos;
    return std::copysign(small ? 0.0 : HUGE_VAL, text.starts_with('-') ? -1.0 : 1.0);
  }
  if (result.ec != std::errc() || result.ptr != end) {
    fail(ErrorCode::corrupt, "'{}' is no float", text.substr(0, 40));
  }
  return number;
}

std::uint64_t memo_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end) {
    fail(ErrorCode::corrupt, "'{}' is no number of a memo entry", text.substr(0, 40));
  }
  return number;
}

std::string twos_complement(std::int64_t number) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(number); ++i) {
    bytes.push_back(static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i) & 0xffU));
  }
  return std::string(shortened(bytes));
}

}  // namespace torchkeep::pickle
