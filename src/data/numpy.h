// Arrays and numbers of NumPy, which a pickle holds as calls with the bytes of the elements.
#pragma once

#include <optional>

#include <torchkeep/object.h>
#include <torchkeep/tensor.h>
#include <torchkeep/value.h>

namespace torchkeep {

// The array as a tensor; nothing if the object is no array of NumPy, or one whose elements no
// tensor can have (objects, strings, dates, structures, long doubles) or that contradicts itself.
// Shares the bytes with the object where they are in the order of this machine.
std::optional<Tensor> tensor_from_numpy(const Object& object);

// The bool, int or float that a scalar of NumPy is; nothing for other objects and other scalars.
std::optional<Value> number_from_numpy(const Object& object);

}  // namespace torchkeep
