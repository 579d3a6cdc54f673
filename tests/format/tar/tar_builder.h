// Tar archives of any kind, also of kinds that no honest program writes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace torchkeep::testing {

struct TarEntry {
  std::string name;
  std::string data;
  char type = '0';
  std::string size = {};  // the field; empty: the octal size of the data
  std::string magic = std::string("ustar\00000", 8);
  std::string prefix = {};
  int checksum_change = 0;
};

inline std::string build_tar_entry(const TarEntry& entry) {
  std::string block(512, '\0');
  const auto put = [&](std::size_t offset, const std::string& text) {
    block.replace(offset, text.size(), text);
  };
  put(0, entry.name);
  put(100, "0000644");
  put(124, entry.size.empty() ? fmt::format("{:011o}", entry.data.size()) : entry.size);
  put(136, "00000000000");
  put(148, "        ");
  block[156] = entry.type;
  put(257, entry.magic);
  put(345, entry.prefix);
  int sum = entry.checksum_change;
  for (const char c : block) sum += static_cast<std::uint8_t>(c);
  put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  const std::size_t padding = (512 - entry.data.size() % 512) % 512;
  return block + entry.data + std::string(padding, '\0');
}

inline std::string build_tar(const std::vector<TarEntry>& entries) {
  std::string result;
  for (const TarEntry& entry : entries) result += build_tar_entry(entry);
  return result + std::string(1024, '\0');
}

// The content of a PAX header that sets a key.
inline std::string pax_line(const std::string& key, const std::string& value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length) ++length;
  return fmt::format("{} {}={}\n", length, key, value);
}

}  // namespace torchkeep::testing
