#include <string_view>
#include <utility>

#include <torchkeep/match.h>

#include <fmt/format.h>

#include "data/match_compare.h"
#include "data/match_suggestions.h"

namespace torchkeep {
namespace {

std::string form_text(const TensorForm& form) {
  return fmt::format("{} {}", name(form.dtype), to_string(form.shape));
}

void append_names(std::string& out, std::string_view title, const std::vector<std::string>& names) {
  if (names.empty()) return;
  out += fmt::format("  {} ({}):\n", title, names.size());
  for (const std::string& name : names) out += fmt::format("    {}\n", name);
}

std::string summary(const LoadReport& report) {
  return fmt::format(
      "the state dict does not fit the model ({} missing, {} unexpected and {} mismatched keys, {} "
      "that fit)",
      report.missing_keys.size(), report.unexpected_keys.size(), report.mismatched_keys.size(),
      report.loaded_keys.size());
}

// The lists and suggestions under the first line of an error, without a newline at the end.
std::string problem_text(const LoadReport& report) {
  std::string text = summary(report) + "\n" + to_string(report);
  text.pop_back();
  return text;
}

}  // namespace

std::string to_string(const LoadReport& report) {
  std::string out;
  append_names(out, "missing, in the model but not in the state dict", report.missing_keys);
  append_names(out, "unexpected, in the state dict but not in the model", report.unexpected_keys);
  if (!report.mismatched_keys.empty()) {
    out += fmt::format("  of another form ({}):\n", report.mismatched_keys.size());
    for (const MismatchedKey& key : report.mismatched_keys) {
      out += fmt::format("    {} (expected {}, got {})\n", key.name, form_text(key.expected),
                         form_text(key.found));
    }
  }
  if (!report.suggestions.empty()) {
    out += "  what would help:\n";
    for (const std::string& suggestion : report.suggestions) {
      out += fmt::format("    {}\n", suggestion);
    }
  }
  if (out.empty()) out = fmt::format("  all {} keys fit\n", report.loaded_keys.size());
  return out;
}

MismatchError::MismatchError(LoadReport report, Place place)
    : Error(ErrorCode::mismatch, problem_text(report), std::move(place)),
      report_(std::move(report)) {}

LoadReport match(const std::vector<TensorForm>& expected, const StateDict& found) {
  LoadReport report = compare(expected, found);
  if (!report.ok()) report.suggestions = suggest(expected, found, report);
  return report;
}

}  // namespace torchkeep
