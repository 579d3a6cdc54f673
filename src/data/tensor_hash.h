// Checksums of tensors.
#pragma once

#include <string>

#include <torchkeep/tensor.h>

namespace torchkeep {

// The SHA-256 of the elements in row-major order, little-endian, whatever the strides: 64
// hexadecimal digits. Throws unsafe for a tensor that repeats a few bytes over and over by strides
// of 0, beyond 1 GiB and beyond the size of its storage.
std::string sha256_of_elements(const Tensor& tensor);

}  // namespace torchkeep
