// A tensor from the chunks of a distributed checkpoint.
#pragma once

#include <functional>

#include <torchkeep/tensor.h>
#include <torchkeep/value.h>

#include "format/dcp/metadata.h"

namespace torchkeep::dcp {

// Loads each chunk with `load`. A tensor of one chunk is that chunk, in the memory that `load` gave
// it; others are copied together. Throws corrupt where a chunk is not what the metadata says.
Tensor assemble(const Item& tensor, const std::function<Value(const Location&)>& load);

}  // namespace torchkeep::dcp
