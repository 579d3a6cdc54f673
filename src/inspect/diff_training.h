// What differences mean for a training: optimizer, scheduler and random state.
#pragma once

#include <vector>

#include <torchkeep/diff.h>

namespace torchkeep::inspection {

// Looks for these parts in two checkpoints, at their top, and says what of them is in `diff`.
std::vector<TrainingDiff> compare_training(const Value& a, const Value& b, const Diff& diff);

}  // namespace torchkeep::inspection
