// Converting tensors to another element type.
#pragma once

#include <torchkeep/tensor.h>

namespace torchkeep {

// A contiguous tensor with the elements converted as PyTorch's tensor.to(dtype) does: floats are
// rounded to nearest, ties to even (float16, bfloat16 and the float8 by way of float32); what is
// too large becomes infinity, or NaN in a type without infinity. A float becomes an integer by
// cutting off its fraction; integers wrap. PyTorch leaves it undefined what a float that does not
// fit its integer becomes: here it is what PyTorch gives on x86. A complex number loses its
// imaginary part, but is true as a bool unless both parts are zero.
// Shares the memory of `tensor` where the type is the same. Works with as many threads as there
// are processors. Throws unsupported unless both types are numbers: not for quantised types, bits
// and float4_e2m1fn_x2; unsafe as Tensor::contiguous().
Tensor cast(const Tensor& tensor, DType dtype);

// Whether cast() knows the type.
bool is_number(DType dtype);

}  // namespace torchkeep
