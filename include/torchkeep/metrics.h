// Numbers that a training reports, by name.
#pragma once

#include <map>
#include <string>

namespace torchkeep {

// "val_loss" -> 0.0312. Ordered by name.
using Metrics = std::map<std::string, double, std::less<>>;

enum class Mode {
  min,  // smaller is better, as for a loss
  max   // larger is better, as for an accuracy
};

// Whether `candidate` is better than `incumbent`. NaN is worse than everything, equal is not
// better.
bool is_better(double candidate, double incumbent, Mode mode);

}  // namespace torchkeep
