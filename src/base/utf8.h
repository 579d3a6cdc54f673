// Text in UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace torchkeep {

// True if `text` is UTF-8 as the standard has it: shortest forms only, no surrogates.
bool is_utf8(std::string_view text);

// The start of `text`, of at most `max_bytes` bytes and without half a character at its end.
std::string_view utf8_start(std::string_view text, std::size_t max_bytes);

}  // namespace torchkeep
