// What a tensor of Python can have besides its elements.
#pragma once

#include <torchkeep/value.h>

namespace torchkeep {

// Kept and written back as it was; nothing of it is looked at. Immutable.
struct TensorExtras {
  Value type;   // the class, an Object of form global; none for torch.Tensor and torch.nn.Parameter
  Value state;  // its Python attributes: a dict, or a tuple of a dict and the __slots__
};

}  // namespace torchkeep
