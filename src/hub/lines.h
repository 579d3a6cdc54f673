// Text as lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace torchkeep::hub {

// Each line ends with '\n'.
inline std::vector<std::string> lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace torchkeep::hub
