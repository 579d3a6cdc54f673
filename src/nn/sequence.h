// torch.nn.Sequential with layers of any class: LibTorch's own cannot hold one inside another.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nn/layer.h"
#include "nn/python_module.h"

namespace torchkeep {

class Sequence : public PythonModule {
 public:
  // Of a class derived from torch.nn.Sequential, if it is one.
  explicit Sequence(std::string class_path = "torch.nn.modules.container.Sequential",
                    const Value& attributes = dict({}))
      : PythonModule(std::move(class_path), attributes) {}

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

// A sequence that is being built, of layers that are numbered.
class Stack {
 public:
  void push(Layer layer) {
    const std::string name = std::to_string(sequence_->layers().size());
    sequence_->append(name, std::move(layer));
  }
  template <class Holder>
  requires requires(const Holder& holder) { callable(holder); }
  void push(const Holder& holder) { push(callable(holder)); }

  Layer layer() const { return as_layer(sequence_); }

 private:
  std::shared_ptr<Sequence> sequence_ = std::make_shared<Sequence>();
};

}  // namespace torchkeep
