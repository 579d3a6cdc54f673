// Layers one after the other, as Python's nn.Sequential, as a module holder.
#pragma once

#include <string>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "nn/sequence.h"

namespace torchkeep {

class ChainImpl : public Sequence {
 public:
  using Sequence::Sequence;

  // Adds a layer, a module holder or a shared_ptr, under its place as name.
  template <class Holder>
  void add(const Holder& layer) {
    append(std::to_string(layers().size()), callable(layer));
  }
  template <class Holder>
  void add(const std::string& name, const Holder& layer) {
    append(name, callable(layer));
  }
};
TORCH_MODULE(Chain);

// Adds a layer to a chain that is not itself a child of the parent, and makes the layer one.
template <class Holder>
void add_as_child(torch::nn::Module& parent,
                  ChainImpl& chain,
                  const std::string& name,
                  const Holder& layer) {
  parent.register_module(name, layer);
  chain.add(name, layer);
}

}  // namespace torchkeep
