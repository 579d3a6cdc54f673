// Making a graph of operations without gradients faster. Each changes the graph.
#pragma once

#include <cstddef>

#include "nn/recorded_graph.h"

namespace torchkeep {

// Puts batch norms in evaluation mode into the weights of the convolutions before them, where
// nothing else uses these; computed in float64. Returns how many.
std::size_t fold_batch_norms(torch::jit::Graph& graph);

// Lets oneDNN's own layout of memory run through convolutions and what it knows besides. False,
// with the graph as it was, where the layout would change more than once on the way to an output.
bool use_onednn_layout(GraphPointer& graph);

// All floating-point constants in that type, those of four dimensions as channels_last. Inputs must
// come the same way.
void use_channels_last(torch::jit::Graph& graph, at::ScalarType type);

}  // namespace torchkeep
