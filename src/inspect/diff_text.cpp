#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <torchkeep/diff.h>

#include <fmt/format.h>

#include "base/printable.h"
#include "base/table.h"
#include "inspect/value_text.h"

namespace torchkeep {
namespace {

using inspection::line_of;

constexpr std::size_t kMostRows = 100;  // of each table
constexpr std::size_t kMostDetails = 20;

// A heading, the table and what was left out; nothing for an empty table.
std::string section(std::string_view heading, const Table& table, std::size_t rows) {
  if (table.empty()) return "";
  std::string text = fmt::format("\n{}\n{}", heading, table.text(2));
  if (rows > kMostRows) text += fmt::format("  ... and {} more\n", grouped(rows - kMostRows));
  return text;
}

// Optimizer states are told in words.
bool is_told_in_words(const Diff& diff, const std::string& name) {
  return std::ranges::any_of(diff.training, [&](const TrainingDiff& training) {
    const std::string& part = training.name;
    return name.starts_with(part) &&
           (part.empty() || name.size() == part.size() || name[part.size()] == '.');
  });
}

std::string index_text(const ElementDiff& elements) {
  return elements.first ? to_string(*elements.first) : "";
}

std::vector<std::string> value_row(const TensorDiff& tensor) {
  const ElementDiff& elements = *tensor.elements;
  std::vector<std::string> row = {
      tensor.a.name, std::string(name(tensor.a.dtype)), to_string(tensor.a.shape),
      fmt::format("{} of {}", grouped(static_cast<std::uint64_t>(elements.different)),
                  grouped(static_cast<std::uint64_t>(elements.elements)))};
  if (!elements.numbers) {
    row.insert(row.end(), {"", "", "", index_text(elements)});
    return row;
  }
  const NumberDiff& numbers = *elements.numbers;
  std::string first = index_text(elements);
  if (!first.empty()) {
    first += fmt::format(" {:.9g} -> {:.9g}", numbers.first_a, numbers.first_b);
  }
  row.insert(row.end(), {line_of(numbers.max_abs), line_of(numbers.relative_l2),
                         numbers.cosine ? fmt::format("{:.6f}", *numbers.cosine) : "-", first});
  return row;
}

std::string values_section(const Diff& diff) {
  constexpr auto kRight = Table::Align::right;
  Table table({{"tensor"},
               {"dtype"},
               {"shape"},
               {"different", kRight},
               {"max abs", kRight},
               {"rel L2", kRight},
               {"cosine", kRight},
               {"first"}});
  std::size_t rows = 0;
  for (const TensorDiff& tensor : diff.tensors) {
    if (tensor.same || !tensor.elements || tensor.elements->different == 0) continue;
    if (is_told_in_words(diff, tensor.a.name)) continue;
    if (++rows <= kMostRows) table.add_row(value_row(tensor));
  }
  return section("other numbers", table, rows);
}

std::string forms_section(const Diff& diff) {
  Table table({{"tensor"}, {"A"}, {"B"}});
  std::size_t rows = 0;
  const auto form_text = [](const TensorForm& form) {
    return fmt::format("{} {}", name(form.dtype), to_string(form.shape));
  };
  for (const TensorDiff& tensor : diff.tensors) {
    const bool same_form = tensor.a.dtype == tensor.b.dtype && tensor.a.shape == tensor.b.shape;
    if (tensor.same || (same_form && !tensor.quantizer_differs)) continue;
    if (++rows > kMostRows) continue;
    const char* note = tensor.quantizer_differs ? " (another scale or zero point)" : "";
    table.add_row({tensor.a.name, form_text(tensor.a), form_text(tensor.b) + note});
  }
  return section("other type or shape", table, rows);
}

std::string only_section(std::string_view heading,
                         const std::vector<TensorForm>& tensors,
                         const std::vector<std::string>& values) {
  Table table({{"name"}, {"dtype"}, {"shape"}});
  const std::size_t rows = tensors.size() + values.size();
  std::size_t shown = 0;
  for (const TensorForm& form : tensors) {
    if (++shown > kMostRows) break;
    table.add_row({form.name, std::string(name(form.dtype)), to_string(form.shape)});
  }
  for (const std::string& name : values) {
    if (++shown > kMostRows) break;
    table.add_row({name, "value"});
  }
  return section(heading, table, rows);
}

// What stands before the ending, from a dot on, that both names have.
std::pair<std::string, std::string> different_beginnings(const RenamedTensor& tensor) {
  std::size_t common = 0;
  const std::size_t shorter = std::min(tensor.a.size(), tensor.b.size());
  for (std::size_t i = 1; i <= shorter; ++i) {
    if (tensor.a[tensor.a.size() - i] != tensor.b[tensor.b.size() - i]) break;
    const bool ends_a = i == tensor.a.size() || tensor.a[tensor.a.size() - i - 1] == '.';
    const bool ends_b = i == tensor.b.size() || tensor.b[tensor.b.size() - i - 1] == '.';
    if (ends_a && ends_b) common = i;
  }
  return {tensor.a.substr(0, tensor.a.size() - common),
          tensor.b.substr(0, tensor.b.size() - common)};
}

std::string renamed_section(const Diff& diff) {
  std::map<std::pair<std::string, std::string>, std::vector<const RenamedTensor*>> rules;
  for (const RenamedTensor& tensor : diff.renamed) {
    rules[different_beginnings(tensor)].push_back(&tensor);
  }
  Table table({{"A"}, {"B"}, {"note"}});
  for (const auto& [beginnings, tensors] : rules) {
    const RenamedTensor& first = *tensors.front();
    if (tensors.size() == 1) {
      table.add_row({first.a, first.b, first.is_ambiguous ? "one of several equal tensors" : ""});
    } else {
      table.add_row(
          {beginnings.first + "*", beginnings.second + "*", counted(tensors.size(), "tensor")});
    }
  }
  return section("renamed, with the same content", table, 0);
}

std::string plain_values_section(const Diff& diff) {
  Table table({{"value"}, {"A"}, {"B"}});
  std::size_t rows = 0;
  for (const ValueDiff& value : diff.values) {
    if (is_told_in_words(diff, value.name)) continue;
    if (++rows <= kMostRows) table.add_row({value.name, line_of(value.a), line_of(value.b)});
  }
  return section("other values", table, rows);
}

std::string training_section(const Diff& diff) {
  std::string text;
  for (const TrainingDiff& training : diff.training) {
    text +=
        fmt::format("\n{}: {}\n", training.name.empty() ? "optimizer" : printable(training.name),
                    training.summary);
    const std::size_t shown = std::min(training.details.size(), kMostDetails);
    for (std::size_t i = 0; i < shown; ++i) {
      text += fmt::format("  {}\n", printable(training.details[i]));
    }
    if (shown < training.details.size()) {
      text += fmt::format("  ... and {} more\n", training.details.size() - shown);
    }
  }
  return text;
}

std::string frozen_section(const Diff& diff) {
  if (!diff.frozen) return "";
  const FrozenDiff& frozen = *diff.frozen;
  if (frozen.changed.empty()) {
    return fmt::format("\nfrozen: untouched ({})\n", counted(frozen.names.size(), "parameter"));
  }
  std::string text =
      fmt::format("\nfrozen: {} changed, of {} frozen\n", counted(frozen.changed.size(), "tensor"),
                  counted(frozen.names.size(), "parameter"));
  const std::size_t shown = std::min(frozen.changed.size(), kMostDetails);
  for (std::size_t i = 0; i < shown; ++i) text += "  " + printable(frozen.changed[i]) + "\n";
  if (shown < frozen.changed.size()) {
    text += fmt::format("  ... and {} more\n", frozen.changed.size() - shown);
  }
  return text;
}

std::string close_line(const Diff& diff) {
  std::uint64_t close = 0;
  double largest = 0;
  for (const TensorDiff& tensor : diff.tensors) {
    if (!tensor.same) continue;
    ++close;
    if (tensor.elements && tensor.elements->numbers) {
      largest = std::max(largest, tensor.elements->numbers->max_abs);
    }
  }
  if (close == 0) return "";
  return fmt::format("\n{} the same within the tolerance (largest difference {})\n",
                     counted(close, "tensor") + (close == 1 ? " is" : " are"), line_of(largest));
}

std::string verdict(const Diff& diff) {
  const std::string identical =
      fmt::format("{} ({}) and {} identical",
                  counted(static_cast<std::uint64_t>(diff.identical_tensors), "tensor"),
                  human_size(diff.identical_bytes),
                  counted(static_cast<std::uint64_t>(diff.identical_values), "value"));
  return fmt::format("\n{}; {}\n", diff.same() ? "same" : "different", identical);
}

}  // namespace

std::string to_string(const Diff& diff) {
  std::string text = fmt::format("A: {}\nB: {}\n", printable(diff.path_a.string()),
                                 printable(diff.path_b.string()));
  text += only_section("only in A", diff.tensors_only_a, diff.values_only_a);
  text += only_section("only in B", diff.tensors_only_b, diff.values_only_b);
  text += renamed_section(diff) + forms_section(diff) + values_section(diff);
  text += plain_values_section(diff) + training_section(diff) + frozen_section(diff);
  return text + close_line(diff) + verdict(diff);
}

}  // namespace torchkeep
