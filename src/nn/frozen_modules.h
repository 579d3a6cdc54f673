// Modules that are frozen as a whole stay in evaluation mode: the running statistics of their batch
// norms do not move, and nothing in them is random.
#pragma once

#include <unordered_set>

namespace torch::nn {
class Module;
}

namespace torchkeep {

// Those below `module` that have parameters, in themselves or below, all of them frozen. `module`
// itself is among them only if nothing is below it: a model says whether it is in training.
std::unordered_set<const torch::nn::Module*> frozen_modules(const torch::nn::Module& module);

// Puts the modules that are frozen now into evaluation mode, with all that is below them, and those
// of `frozen_before` that no longer are into the mode of `module`.
void hold_frozen_modules(torch::nn::Module& module,
                         const std::unordered_set<const torch::nn::Module*>& frozen_before = {});

}  // namespace torchkeep
