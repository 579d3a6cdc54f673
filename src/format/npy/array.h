// A NumPy array as a tensor, and back.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include <torchkeep/tensor.h>

#include "format/npy/array_header.h"

namespace torchkeep::npy {

// The array whose elements, and nothing else, are the bytes. They stay where they are, in Fortran's
// order too; only big-endian and misaligned ones are copied. Throws corrupt where they are not as
// many as the header says.
Tensor make_tensor(const ArrayHeader& header,
                   std::span<std::byte> elements,
                   const std::shared_ptr<const void>& owner);

// A tensor laid out as one of NumPy's two orders, with the header that says so.
struct ArrayFile {
  std::string header;
  Tensor tensor;

  std::span<const std::byte> elements() const;
};

// Copies a tensor that is laid out otherwise. Throws unsupported for types that NumPy has not.
ArrayFile make_array(const Tensor& tensor);

}  // namespace torchkeep::npy
