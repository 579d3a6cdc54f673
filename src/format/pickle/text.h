// Text and bytes as pickles write them. Strings are UTF-8 that may hold lone surrogates, as
// Python's are.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace torchkeep::pickle {

bool is_utf8(std::string_view text);

// The characters as bytes; nothing if one is above U+00FF. `text` must be UTF-8.
std::optional<std::string> latin1_from_utf8(std::string_view text);
std::string utf8_from_latin1(std::string_view bytes);

// The bytes of a quoted literal of Python 2, as opcode STRING writes it. Throws corrupt.
std::string unquote(std::string_view literal);

// The text of opcode UNICODE: Latin-1 with \uXXXX and \UXXXXXXXX. Throws corrupt.
std::string decode_raw_unicode_escape(std::string_view text);

}  // namespace torchkeep::pickle
