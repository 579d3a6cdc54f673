// Between torchkeep's tensors and LibTorch's, without copying.
#pragma once

#include <torchkeep/tensor.h>
#include <torchkeep/value.h>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>

namespace torchkeep {

// Views the same memory, which both sides keep alive; a write to one is seen by the other. A
// tensor on another device is copied to the CPU first. requires_grad and is_parameter are not set.
// Throws unsupported for sparse, nested and meta tensors.
Tensor from_torch(const at::Tensor& tensor);

// Views the same memory, on the CPU. Tensors that share a storage share the memory, though each
// gets a LibTorch storage of its own; a conjugate or negative view is computed into new memory.
// requires_grad is not set. Throws unsupported for a type that this
// LibTorch does not have.
at::Tensor to_torch(const Tensor& tensor);

template <>
struct ToValue<at::Tensor> {
  static Value to_value(const at::Tensor& tensor) { return Value(from_torch(tensor)); }
};

}  // namespace torchkeep
