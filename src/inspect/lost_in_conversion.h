// What a format of named tensors cannot say.
#pragma once

#include <string>
#include <vector>

#include <torchkeep/state_dict.h>

namespace torchkeep::inspection {

// One sentence each about shared memory, strides, requires_grad and frozen parameters of `value`,
// whose tensors are to be written. Empty where nothing is lost.
std::vector<std::string> lost_in_conversion(const Value& value, const StateDict& tensors);

// The tensors as such a format holds them: in row-major order, none in the memory of another.
StateDict on_their_own(const StateDict& tensors);

}  // namespace torchkeep::inspection
