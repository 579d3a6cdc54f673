// The operations of a computation as a graph of LibTorch's, recorded by computing it once.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/runtime/interpreter.h>

namespace torch::jit {
struct Graph;
}

namespace torchkeep {

using GraphPointer = std::shared_ptr<torch::jit::Graph>;

struct Recording {
  // Its inputs are the input and the parameters; every other tensor is a constant of the graph,
  // which is that tensor itself. Sizes are constants.
  GraphPointer graph;
  at::Tensor output;
};
// Without gradients. Throws what the computation throws, and c10::Error for an output that no
// recorded operation gives.
Recording record(const std::function<at::Tensor(const at::Tensor&)>& compute,
                 const at::Tensor& input,
                 const std::vector<at::Tensor>& parameters);

// Whether the two do the same with the same constants, whatever the shapes of their inputs.
bool same_operations(const torch::jit::Graph& a, const torch::jit::Graph& b);

// Ready to run. Gradients are recorded where they are enabled. Thread-safe.
class CompiledGraph {
 public:
  CompiledGraph() = default;
  explicit CompiledGraph(GraphPointer graph);

  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) const;
  const torch::jit::Graph& graph() const { return *graph_; }
  GraphPointer copy() const;  // of the graph

 private:
  GraphPointer graph_;
  torch::jit::Code code_;
};

}  // namespace torchkeep
