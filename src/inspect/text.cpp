#include <algorithm>
#include <string>
#include <string_view>

#include <torchkeep/inspect.h>

#include <fmt/format.h>

#include "base/printable.h"
#include "base/utf8.h"

namespace torchkeep {
namespace {

constexpr std::size_t kMostValues = 100;
constexpr std::size_t kMostValueBytes = 120;

// 1,234,567
std::string grouped(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string shortened(std::string_view text) {
  const std::string_view start = utf8_start(text, kMostValueBytes);
  return printable(start) + (start.size() < text.size() ? "..." : "");
}

std::string value_lines(const Summary& summary) {
  std::string lines;
  const std::size_t shown = std::min(summary.values.size(), kMostValues);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& [name, value] = summary.values[i];
    const std::string text = to_string(value, {.max_depth = 3, .max_items = 16});
    lines += fmt::format("{}{}{}\n", printable(name), name.empty() ? "" : ": ", shortened(text));
  }
  if (shown < summary.values.size()) {
    lines += fmt::format("... and {} more values\n", summary.values.size() - shown);
  }
  return lines.empty() ? lines : "\n" + lines;
}

std::string row(const TensorSummary& tensor, std::size_t name_width, std::size_t shape_width) {
  return fmt::format("{:<{}}  {:<10}  {:<{}}  {:>15}{}\n", printable(tensor.name), name_width,
                     name(tensor.dtype), to_string(tensor.shape), shape_width,
                     grouped(tensor.bytes), tensor.sha256 ? "  " + *tensor.sha256 : "");
}

std::string tensor_table(const Summary& summary) {
  if (summary.tensors.empty()) return "";
  std::size_t name_width = std::string_view("tensor").size();
  std::size_t shape_width = std::string_view("shape").size();
  std::uint64_t bytes = 0;
  for (const TensorSummary& tensor : summary.tensors) {
    name_width = std::max(name_width, printable(tensor.name).size());
    shape_width = std::max(shape_width, to_string(tensor.shape).size());
    bytes += tensor.bytes;
  }
  std::string table = fmt::format("\n{:<{}}  {:<10}  {:<{}}  {:>15}\n", "tensor", name_width,
                                  "dtype", "shape", shape_width, "bytes");
  for (const TensorSummary& tensor : summary.tensors) table += row(tensor, name_width, shape_width);
  return table + fmt::format("{} tensors, {} bytes\n", summary.tensors.size(), grouped(bytes));
}

}  // namespace

std::string to_string(const Summary& summary) {
  std::string text = fmt::format("{}: {}, {} bytes\n", printable(summary.path.string()),
                                 summary.format, grouped(summary.file_bytes));
  return text + value_lines(summary) + tensor_table(summary);
}

}  // namespace torchkeep
