// Text in UTF-8.
#pragma once

#include <string_view>

namespace torchkeep {

// True if `text` is UTF-8 as the standard has it: shortest forms only, no surrogates.
bool is_utf8(std::string_view text);

}  // namespace torchkeep
