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

// The tree shows what is in the whole model.
bool is_in_modules(const Summary& summary, std::string_view name) {
  if (!summary.modules) return false;
  const std::string& key = summary.modules_key;
  return key.empty() ||
         (name.starts_with(key) && (name.size() == key.size() || name[key.size()] == '.'));
}

std::string value_lines(const Summary& summary) {
  std::string lines;
  std::size_t shown = 0;
  std::size_t left_out = 0;
  for (const auto& [name, value] : summary.values) {
    if (is_in_modules(summary, name)) continue;
    if (shown == kMostValues) {
      ++left_out;
      continue;
    }
    ++shown;
    lines += fmt::format("{}{}{}\n", printable(name), name.empty() ? "" : ": ",
                         inspection::line_of(value));
  }
  if (left_out > 0) lines += fmt::format("... and {} more values\n", left_out);
  return lines.empty() ? lines : "\n" + lines;
}

std::string module_lines(const Summary& summary) {
  if (!summary.modules_problem.empty()) {
    return fmt::format("\nnot shown as a model: {}\n", printable(summary.modules_problem));
  }
  if (!summary.modules) return "";
  const std::string heading =
      summary.modules_key.empty() ? "" : printable(summary.modules_key) + ":\n";
  return "\n" + heading + to_string(*summary.modules);
}

std::string tensor_table(const Summary& summary) {
  std::vector<const TensorSummary*> tensors;
  for (const TensorSummary& tensor : summary.tensors) {
    if (!is_in_modules(summary, tensor.name)) tensors.push_back(&tensor);
  }
  if (tensors.empty()) return "";
  const bool has_hashes = std::ranges::any_of(
      tensors, [](const TensorSummary* tensor) { return tensor->sha256.has_value(); });
  std::vector<Table::Column> columns = {
      {"tensor"}, {"dtype"}, {"shape"}, {"size", Table::Align::right}};
  if (has_hashes) columns.push_back({"sha256"});
  Table table(std::move(columns));
  std::uint64_t bytes = 0;
  for (const TensorSummary* tensor : tensors) {
    table.add_row({tensor->name, std::string(name(tensor->dtype)), to_string(tensor->shape),
                   human_size(tensor->bytes), tensor->sha256.value_or("")});
    bytes += tensor->bytes;
  }
  return "\n" + table.text() +
         fmt::format("{}, {} ({} bytes)\n", counted(tensors.size(), "tensor"), human_size(bytes),
                     grouped(bytes));
}

}  // namespace

std::string to_string(const Summary& summary) {
  std::string text =
      fmt::format("{}: {}, {} ({} bytes)\n", printable(summary.path.string()), summary.format,
                  human_size(summary.file_bytes), grouped(summary.file_bytes));
  if (summary.delta) {
    text +=
        fmt::format("a delta: {} more are in {} ({})\n", counted(summary.delta->tensors, "tensor"),
                    printable(summary.delta->base.string()), name(summary.delta->state));
  }
  return text + value_lines(summary) + module_lines(summary) + tensor_table(summary);
}

}  // namespace torchkeep
