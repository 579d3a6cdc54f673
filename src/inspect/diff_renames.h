// Tensors that have another name in the other file.
#pragma once

#include <vector>

#include <torchkeep/diff.h>

#include "inspect/diff_leaves.h"

namespace torchkeep::inspection {

// Takes tensors with the same type, shape and content out of both lists. Where several have one
// content, those whose names end alike are paired. Only tensors with a possible partner are read.
std::vector<RenamedTensor> take_renamed(std::vector<NamedTensor>& only_a,
                                        std::vector<NamedTensor>& only_b,
                                        int threads);

}  // namespace torchkeep::inspection
