// Comparing the elements of many pairs of tensors.
#pragma once

#include <span>
#include <vector>

#include <torchkeep/diff.h>
#include <torchkeep/tensor.h>

namespace torchkeep::inspection {

// Two tensors of one shape.
struct TensorPair {
  const Tensor* a = nullptr;
  const Tensor* b = nullptr;
};

// The outcome for each pair. `bit_equal` is the number of elements for identical tensors, whose
// `numbers` are left out. Reads every element once to see whether the bits are the same, and those
// of tensors that differ once more. The result does not depend on the number of threads.
std::vector<ElementDiff> compare_elements(std::span<const TensorPair> pairs,
                                          const DiffOptions& options);

}  // namespace torchkeep::inspection
