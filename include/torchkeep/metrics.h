// Numbers that a training reports, by name.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace torchkeep {

// "val_loss" -> 0.0312. Ordered by name.
using Metrics = std::map<std::string, double, std::less<>>;

// The metric of that name. Throws not_found, listing the metrics there are.
double metric(const Metrics& metrics, std::string_view name);

enum class Mode {
  min,  // smaller is better, as for a loss
  max   // larger is better, as for an accuracy
};
std::string_view name(Mode mode);  // "min", "max"
std::optional<Mode> mode_from_name(std::string_view name);

// Whether `candidate` is better than `incumbent`. NaN is worse than everything, equal is not
// better.
bool is_better(double candidate, double incumbent, Mode mode);

}  // namespace torchkeep
