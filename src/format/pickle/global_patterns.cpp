#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "format/pickle/globals.h"

namespace torchkeep::pickle {
namespace {

constexpr std::size_t kMostNameBytes = 255;
constexpr std::size_t kMostHits = 10'000;
constexpr std::size_t kNotFound = std::string_view::npos;

using Hits = std::vector<GlobalUse>;

void add(Hits& hits, std::string_view module, std::string_view name, std::size_t offset) {
  GlobalUse use;
  use.module = module;
  use.name = name;
  use.offset = offset;
  hits.push_back(std::move(use));
}

// `c` or `i`, a module, a line end, a name, a line end.
void find_lines(std::string_view text, Hits& hits) {
  std::size_t first = text.find('\n');
  while (first != kNotFound && hits.size() < kMostHits) {
    const std::size_t second = text.find('\n', first + 1);
    if (second == kNotFound) return;
    const std::string_view name = text.substr(first + 1, second - first - 1);
    if (name.size() <= kMostNameBytes && is_dotted_name(name)) {
      // The module may hold the letters of the opcodes itself: each is tried.
      for (std::size_t at = first; at-- > 0 && first - at <= kMostNameBytes;) {
        const std::string_view module = text.substr(at + 1, first - at - 1);
        if (!module.empty() && module.front() != '.' && !is_dotted_name(module)) break;
        const bool is_opcode = text[at] == 'c' || text[at] == 'i';
        if (is_opcode && is_dotted_name(module)) add(hits, module, name, at);
      }
    }
    first = second;
  }
}

// A short string at `position`, which is moved behind it and behind its entry in the memo.
std::optional<std::string_view> take_string(std::string_view text, std::size_t& position) {
  const auto byte = [&](std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  std::size_t begin = position + 2;
  if (byte(position) == 'X') {
    if (byte(position + 2) != 0 || byte(position + 3) != 0 || byte(position + 4) != 0) return {};
    begin = position + 5;
  } else if (byte(position) != 0x8C) {
    return {};
  }
  const std::size_t length = byte(position + 1);
  if (begin > text.size() || length > text.size() - begin) return {};
  const std::string_view string = text.substr(begin, length);
  if (!is_dotted_name(string)) return {};
  position = begin + length;
  if (byte(position) == 0x94) position += 1;
  if (byte(position) == 'q') position += 2;
  if (byte(position) == 'r') position += 5;
  return string;
}

// Two strings and STACK_GLOBAL.
void find_strings(std::string_view text, char opcode, Hits& hits) {
  for (std::size_t at = text.find(opcode); at != kNotFound && hits.size() < kMostHits;
       at = text.find(opcode, at + 1)) {
    std::size_t position = at;
    const auto module = take_string(text, position);
    if (!module) continue;
    const auto name = take_string(text, position);
    if (!name || position >= text.size() || text[position] != '\x93') continue;
    add(hits, *module, *name, position);
  }
}

}  // namespace

std::vector<GlobalUse> find_global_patterns(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Hits hits;
  find_lines(text, hits);
  find_strings(text, 'X', hits);
  find_strings(text, '\x8C', hits);
  std::ranges::sort(hits, {}, &GlobalUse::offset);
  return hits;
}

bool is_dotted_name(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.') return false;
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || static_cast<unsigned char>(c) >= 0x80;
  });
}

}  // namespace torchkeep::pickle
