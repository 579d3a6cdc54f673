// The state dict in a value that might be a whole checkpoint.
#pragma once

#include <vector>

#include <torchkeep/match.h>

namespace torchkeep {

// The value as a state dict. Throws mismatch if it is none; the advice then names the keys below
// which there are state dicts, those first that fit a model with the tensors `expected` best.
StateDict state_dict_in(const Value& value, const std::vector<TensorForm>& expected);

}  // namespace torchkeep
