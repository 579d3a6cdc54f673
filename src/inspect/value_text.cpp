#include "inspect/value_text.h"

#include <fmt/format.h>

#include "base/printable.h"
#include "base/utf8.h"

namespace torchkeep::inspection {
namespace {

constexpr std::size_t kMostBytes = 120;

}  // namespace

std::string line_of(const Value& value) {
  const std::string text = to_string(value, {.max_depth = 3, .max_items = 16});
  const std::string_view start = utf8_start(text, kMostBytes);
  return printable(start) + (start.size() < text.size() ? "..." : "");
}

std::string line_of(double number) { return fmt::format("{:.4g}", number); }

}  // namespace torchkeep::inspection
