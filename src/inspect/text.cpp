#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/inspect.h>

#include <fmt/format.h>

#include "base/printable.h"
#include "base/table.h"
#include "inspect/value_text.h"

namespace torchkeep {
namespace {

constexpr std::size_t kMostValues = 100;

std::string value_lines(const Summary& summary) {
  std::string lines;
  const std::size_t shown = std::min(summary.values.size(), kMostValues);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& [name, value] = summary.values[i];
    lines += fmt::format("{}{}{}\n", printable(name), name.empty() ? "" : ": ",
                         inspection::line_of(value));
  }
  if (shown < summary.values.size()) {
    lines += fmt::format("... and {} more values\n", summary.values.size() - shown);
  }
  return lines.empty() ? lines : "\n" + lines;
}

std::string tensor_table(const Summary& summary) {
  if (summary.tensors.empty()) return "";
  const bool has_hashes = std::ranges::any_of(
      summary.tensors, [](const TensorSummary& tensor) { return tensor.sha256.has_value(); });
  std::vector<Table::Column> columns = {
      {"tensor"}, {"dtype"}, {"shape"}, {"size", Table::Align::right}};
  if (has_hashes) columns.push_back({"sha256"});
  Table table(std::move(columns));
  std::uint64_t bytes = 0;
  for (const TensorSummary& tensor : summary.tensors) {
    table.add_row({tensor.name, std::string(name(tensor.dtype)), to_string(tensor.shape),
                   human_size(tensor.bytes), tensor.sha256.value_or("")});
    bytes += tensor.bytes;
  }
  return "\n" + table.text() +
         fmt::format("{}, {} ({} bytes)\n", counted(summary.tensors.size(), "tensor"),
                     human_size(bytes), grouped(bytes));
}

}  // namespace

std::string to_string(const Summary& summary) {
  std::string text =
      fmt::format("{}: {}, {} ({} bytes)\n", printable(summary.path.string()), summary.format,
                  human_size(summary.file_bytes), grouped(summary.file_bytes));
  return text + value_lines(summary) + tensor_table(summary);
}

}  // namespace torchkeep
