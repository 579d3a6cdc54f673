// Batch norms whose parameters are all frozen stay in evaluation mode, so that their running
// statistics do not move.
#pragma once

#include <unordered_set>

namespace torch::nn {
class Module;
}

namespace torchkeep {

// Those below `module` (itself included) that have parameters, all of them frozen.
std::unordered_set<const torch::nn::Module*> frozen_batch_norms(const torch::nn::Module& module);

// Puts the batch norms that are frozen now into evaluation mode, and those of `frozen_before` that
// no longer are into the mode of `module`.
void hold_frozen_batch_norms(
    torch::nn::Module& module,
    const std::unordered_set<const torch::nn::Module*>& frozen_before = {});

}  // namespace torchkeep
