#include <algorithm>

#include <torchkeep/lineage.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/printable.h"
#include "base/table.h"
#include "inspect/json_value.h"

namespace torchkeep {
namespace {

using inspection::Json;

// An argument as a shell takes it.
std::string quoted(const std::string& argument) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  if (!argument.empty() && argument.find_first_not_of(kPlain) == std::string::npos) return argument;
  std::string result = "'";
  for (const char letter : argument) {
    if (letter == '\'') {
      result += "'\\''";
    } else {
      result += letter;
    }
  }
  return result + "'";
}

std::string command_line(const std::vector<std::string>& command) {
  std::vector<std::string> words;
  std::ranges::transform(command, std::back_inserter(words), quoted);
  return fmt::format("{}", fmt::join(words, " "));
}

std::string first_line(const LineageStep& step) {
  std::string line = printable(step.path.string());
  if (step.epoch) line += fmt::format("  epoch {}", *step.epoch);
  if (step.step) line += fmt::format("  step {}", *step.step);
  line += "  " + human_size(step.bytes);
  if (step.state != LineageStep::State::unchanged) line += fmt::format("  ({})", name(step.state));
  return line + "\n";
}

Json json_of(const LineageStep& step) {
  Json json = {{"path", step.path.string()}, {"state", name(step.state)}, {"bytes", step.bytes},
               {"sha256", nullptr},          {"epoch", nullptr},          {"step", nullptr},
               {"command", step.command},    {"versions", Json::object()}};
  if (!step.sha256.empty()) json["sha256"] = step.sha256;
  if (step.epoch) json["epoch"] = *step.epoch;
  if (step.step) json["step"] = *step.step;
  for (const auto& [program, version] : step.versions) json["versions"][program] = version;
  return json;
}

}  // namespace

std::string_view name(LineageStep::State state) {
  switch (state) {
    case LineageStep::State::unchanged:
      return "unchanged";
    case LineageStep::State::changed:
      return "changed";
    case LineageStep::State::missing:
      return "missing";
  }
  return "";
}

std::string to_string(const std::vector<LineageStep>& chain) {
  std::string text;
  for (const LineageStep& step : chain) {
    text += first_line(step);
    if (!step.sha256.empty()) text += "    sha256 " + step.sha256 + "\n";
    if (!step.command.empty()) text += "    " + printable(command_line(step.command)) + "\n";
    std::string versions;
    for (const auto& [program, version] : step.versions) {
      versions += fmt::format("{}{} {}", versions.empty() ? "    " : ", ", program, version);
    }
    if (!versions.empty()) text += printable(versions) + "\n";
  }
  return text;
}

std::string to_json(const std::vector<LineageStep>& chain) {
  Json files = Json::array();
  for (const LineageStep& step : chain) files.push_back(json_of(step));
  return inspection::write_json({{"files", std::move(files)}});
}

}  // namespace torchkeep
