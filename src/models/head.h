// The layer of a classifier that tells its classes apart.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

namespace torchkeep {

// A Linear, or a convolution with a kernel of one pixel. Refers to the layer.
class Head {
 public:
  using Layer =
      std::variant<std::shared_ptr<torch::nn::LinearImpl>, std::shared_ptr<torch::nn::Conv2dImpl>>;

  explicit Head(Layer layer) : layer_(std::move(layer)) {}

  std::int64_t num_classes() const;
  at::Tensor& weight() const;
  at::Tensor& bias() const;  // undefined if there is none

  // Gives it another number of outputs, with fresh, trainable parameters. They stay the same tensor
  // objects, of the same type and on the same device.
  void reset(std::int64_t num_classes) const;

 private:
  Layer layer_;
};

// Those of a classifier of the zoo: the main one, then those of the auxiliary classifiers that
// there are. Of another module the last Linear in the order of the modules. Empty if there is none.
std::vector<Head> find_heads(const torch::nn::Module& module);

// The main one.
std::optional<Head> find_head(const torch::nn::Module& module);

}  // namespace torchkeep
