// The state of LibTorch's random number generator, in the bytes that Python uses.
#pragma once

#include <torchkeep/tensor.h>

namespace torchkeep {

// What torch.get_rng_state() returns: uint8 [5056].
Tensor random_state();

// As torch.set_rng_state(). Throws mismatch for a tensor of another type or size.
void set_random_state(const Tensor& state);

}  // namespace torchkeep
