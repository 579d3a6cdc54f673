// Cutting the operations of a module in two: those that never change, and those that train.
#pragma once

#include <cstddef>
#include <vector>

#include "nn/recorded_graph.h"

namespace torchkeep {

struct SplitGraph {
  GraphPointer frozen;  // the input -> features
  GraphPointer rest;    // features, the parameters -> the output
  std::size_t frozen_operations = 0;
  std::size_t operations = 0;                   // in all
  std::vector<at::Tensor> frozen_tensors = {};  // constants of the frozen part
};

// `graph` is a recording whose parameters are those that are trained. To the frozen part belong the
// operations that depend on the input and on constants alone, are not random, change no constant
// and use no statistics of the batch. Throws unsupported, saying why, where nothing of weight does.
SplitGraph split_graph(const torch::jit::Graph& graph);

}  // namespace torchkeep
