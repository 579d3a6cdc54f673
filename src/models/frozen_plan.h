// A model that is cut in two for one shape of images and one set of flags.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <torchkeep/frozen_backbone.h>

#include "nn/recorded_graph.h"

namespace torchkeep {

// The frozen part, ready to run.
struct FrozenKernels {
  CompiledGraph exact;  // as it was recorded
  CompiledGraph used;
  std::size_t folded_batch_norms = 0;
  std::string name;  // see FrozenBackbone::Cut
  at::ScalarType type = at::kFloat;
  at::MemoryFormat layout = at::MemoryFormat::Contiguous;

  std::vector<at::Tensor> run(const at::Tensor& images) const;
};

struct FrozenPlan {
  // A tensor that the frozen part was compiled from, as it was then.
  struct Source {
    at::Tensor tensor;
    const void* memory = nullptr;
    std::uint32_t version = 0;
  };

  FrozenBackbone::Cut cut;
  bool any_batch = true;  // whether it is of use for other numbers of images
  std::shared_ptr<const FrozenKernels> kernels;
  CompiledGraph rest;
  std::vector<at::Tensor> trained;
  std::vector<at::Tensor> counters;  // each forward adds one to them, as batch norms count batches
  std::vector<Source> sources;

  bool is_current() const;
  void require_cut() const;  // throws unsupported
  std::vector<at::Tensor> features_of(const at::Tensor& images) const;
  at::Tensor rest_of(const std::vector<at::Tensor>& features) const;
  // Takes those of the other if the frozen operations are the same; tells whether it did.
  bool shares_kernels_with(const FrozenPlan& other);
};

// What decides the operations of a module besides the shape of its input: which parameters are
// frozen, which modules are in training mode.
std::string flags_of(const torch::nn::Module& module);

// Leaves the buffers and the random state as they are. What keeps the model from being cut is in
// the plan.
FrozenPlan make_plan(const Model& model, const Shape& images, const FrozenBackboneOptions& options);

}  // namespace torchkeep
