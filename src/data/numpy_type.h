// NumPy's names of element types, without the byte order: a letter for the kind and the bytes.
#pragma once

#include <optional>
#include <string_view>

#include <torchkeep/dtype.h>

namespace torchkeep {

// float32 for "f4". Nothing for a name that no element type of PyTorch has.
std::optional<DType> dtype_from_numpy_name(std::string_view name);

// "f4" for float32. Empty for a type that NumPy lacks, such as bfloat16.
std::string_view numpy_name(DType dtype);

}  // namespace torchkeep
