// torch.nn.Sequential with layers of any class: LibTorch's own cannot hold one inside another.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <torch/nn/module.h>

#include "nn/layer.h"

namespace torchkeep {

class Sequence : public torch::nn::Module {
 public:
  void append(const std::string& name, Layer layer) {
    register_module(name, layer.module);
    layers_.push_back(std::move(layer));
  }

  // Throws unsupported where a layer before the last gives a tuple or takes more than one tensor.
  at::Tensor forward(const at::Tensor& x) const;

  const std::vector<Layer>& layers() const { return layers_; }

 private:
  std::vector<Layer> layers_;
};

// The sequence as a layer.
Layer as_layer(const std::shared_ptr<Sequence>& sequence);

}  // namespace torchkeep
