#include "base/printable.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace torchkeep {

std::string printable(std::string_view text) {
  const bool keep_high_bytes = is_utf8(text);
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !keep_high_bytes)) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace torchkeep
