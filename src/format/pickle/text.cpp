#include "format/pickle/text.h"

#include <charconv>
#include <cstdint>

#include "base/fail.h"

namespace torchkeep::pickle {
namespace {

constexpr std::uint32_t kMaxCodePoint = 0x10ffff;

void append_utf8(std::string& out, std::uint32_t code) {
  const auto continuation = [code](unsigned shift) {
    return static_cast<char>(0x80U | (code >> shift & 0x3fU));
  };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xc0U | code >> 6), continuation(0)};
  } else if (code < 0x10000) {
    out += {static_cast<char>(0xe0U | code >> 12), continuation(6), continuation(0)};
  } else {
    out +=
        {static_cast<char>(0xf0U | code >> 18), continuation(12), continuation(6), continuation(0)};
  }
}

// Bytes of the character that starts with `lead`; 0 if none does.
std::size_t utf8_length(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}

// The number written by exactly `count` hexadecimal digits at `position`.
std::uint32_t hex_at(std::string_view text, std::size_t position, std::size_t count) {
  const std::string_view digits = text.substr(position, count);
  std::uint32_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, number, 16);
  if (digits.size() != count || result.ec != std::errc() || result.ptr != end) {
    fail(ErrorCode::corrupt, "a wrong escape sequence in a string");
  }
  return number;
}

// The byte of a one-letter escape such as \n; nothing if the letter means no byte.
std::optional<char> simple_escape(char letter) {
  constexpr std::string_view kLetters = "\\'\"abfnrtv";
  constexpr std::string_view kBytes = "\\'\"\a\b\f\n\r\t\v";
  const std::size_t position = kLetters.find(letter);
  if (position == std::string_view::npos) return std::nullopt;
  return kBytes[position];
}

bool is_octal(char digit) { return digit >= '0' && digit <= '7'; }

}  // namespace

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    const std::size_t length = utf8_length(lead);
    if (length == 0 || length > text.size() - i) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<std::uint8_t>(text[i + k]) & 0xc0U) != 0x80U) return false;
    }
    if (length > 2) {  // neither longer than needed nor above the last code point
      const auto second = static_cast<std::uint8_t>(text[i + 1]);
      if ((lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90)) return false;
      if (lead == 0xf4 && second > 0x8f) return false;
    }
    i += length;
  }
  return true;
}

std::optional<std::string> latin1_from_utf8(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    if (lead < 0x80) {
      bytes += text[i];
    } else if (lead <= 0xc3 && i + 1 < text.size()) {
      bytes +=
          static_cast<char>((lead & 0x03U) << 6 | (static_cast<std::uint8_t>(text[++i]) & 0x3fU));
    } else {
      return std::nullopt;
    }
  }
  return bytes;
}

std::string utf8_from_latin1(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char byte : bytes) append_utf8(text, static_cast<std::uint8_t>(byte));
  return text;
}

std::string unquote(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != literal.back() ||
      (literal.front() != '\'' && literal.front() != '"')) {
    fail(ErrorCode::corrupt, "a string without quotes");
  }
  const std::string_view body = literal.substr(1, literal.size() - 2);
  std::string bytes;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] != '\\') {
      bytes += body[i];
      continue;
    }
    if (++i == body.size()) fail(ErrorCode::corrupt, "a string ends in a backslash");
    if (const auto byte = simple_escape(body[i])) {
      bytes += *byte;
    } else if (body[i] == 'x') {
      bytes += static_cast<char>(hex_at(body, i + 1, 2));
      i += 2;
    } else if (is_octal(body[i])) {
      unsigned number = 0;
      const std::size_t first = i;
      while (i < body.size() && i < first + 3 && is_octal(body[i])) {
        number = number * 8 + static_cast<unsigned>(body[i++] - '0');
      }
      --i;
      bytes += static_cast<char>(number & 0xffU);
    } else {  // Python keeps what it does not know
      bytes += {'\\', body[i]};
    }
  }
  return bytes;
}

std::string decode_raw_unicode_escape(std::string_view text) {
  std::string result;
  std::size_t i = 0;
  while (i < text.size()) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '\\' && (next == 'u' || next == 'U')) {
      const std::size_t digits = next == 'u' ? 4 : 8;
      const std::uint32_t code = hex_at(text, i + 2, digits);
      if (code > kMaxCodePoint) fail(ErrorCode::corrupt, "no character has the code {:#x}", code);
      append_utf8(result, code);
      i += 2 + digits;
      continue;
    }
    // A backslash that starts no escape protects the one behind it.
    const std::size_t plain = text[i] == '\\' && i + 1 < text.size() ? 2 : 1;
    for (std::size_t k = 0; k < plain; ++k)
      append_utf8(result, static_cast<std::uint8_t>(text[i + k]));
    i += plain;
  }
  return result;
}

}  // namespace torchkeep::pickle
