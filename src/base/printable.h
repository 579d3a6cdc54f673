// Text from files, made safe for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace torchkeep {

// Control characters as \xNN, and so every byte above 127 where the text is not UTF-8.
std::string printable(std::string_view text);

}  // namespace torchkeep
