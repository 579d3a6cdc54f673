// The loss of a training that names none.
#pragma once

#include <torchkeep/loss.h>

namespace torchkeep {

// `loss`, or cross entropy where it is empty.
Loss loss_or_cross_entropy(const Loss& loss);

}  // namespace torchkeep
