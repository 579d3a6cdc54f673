#include <cmath>
#include <vector>

#include <torchkeep/metrics.h>

#include "base/fail.h"
#include "base/similar.h"

namespace torchkeep {

bool is_better(double candidate, double incumbent, Mode mode) {
  if (std::isnan(candidate)) return false;
  if (std::isnan(incumbent)) return true;
  return mode == Mode::min ? candidate < incumbent : candidate > incumbent;
}

std::string_view name(Mode mode) { return mode == Mode::min ? "min" : "max"; }

std::optional<Mode> mode_from_name(std::string_view text) {
  if (text == name(Mode::min)) return Mode::min;
  if (text == name(Mode::max)) return Mode::max;
  return std::nullopt;
}

double metric(const Metrics& metrics, std::string_view metric_name) {
  const auto found = metrics.find(metric_name);
  if (found != metrics.end()) return found->second;
  std::vector<std::string_view> names;
  for (const auto& [known, value] : metrics) names.push_back(known);
  if (names.empty()) fail(ErrorCode::not_found, "no metric \"{}\"; there are none", metric_name);
  const auto similar = most_similar(metric_name, names);
  fail_at(ErrorCode::not_found, {},
          similar ? fmt::format("did you mean \"{}\"?", *similar) : std::string(),
          "no metric \"{}\" (there are {})", metric_name, fmt::join(names, ", "));
}

}  // namespace torchkeep
