// Comparing the names, shapes and types of a state dict with those that a model expects.
#pragma once

#include <vector>

#include <torchkeep/match.h>

namespace torchkeep {

// True if a tensor of the form `found` can be copied into one of the form `expected`.
bool is_loadable(const TensorForm& expected, const Tensor& found);

// The lists of the report, without suggestions.
LoadReport compare(const std::vector<TensorForm>& expected, const StateDict& found);

}  // namespace torchkeep
