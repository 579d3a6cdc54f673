// Layers with parameters, as the models build them.
#pragma once

#include <cstdint>

#include <torchkeep/tensor.h>

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

namespace torchkeep {

// For building models whose parameters are loaded right afterwards. While one is alive, the layers
// that this thread makes with the functions below get memory for their parameters but no values;
// at the end the random state is what it was before.
class SkipInitialisation {
 public:
  SkipInitialisation();
  ~SkipInitialisation();
  SkipInitialisation(const SkipInitialisation&) = delete;
  SkipInitialisation& operator=(const SkipInitialisation&) = delete;

  static bool active();

 private:
  bool before_;
  Tensor random_state_;
};

// As torch::nn::Conv2d and torch::nn::Linear, with PyTorch's initial values.
torch::nn::Conv2d conv2d(const torch::nn::Conv2dOptions& options);
torch::nn::Linear linear(std::int64_t in_features, std::int64_t out_features);

// Gives a layer another number of outputs. The parameters stay the same tensor objects, of the
// same type and on the same device, with undefined values and no gradient.
void resize_outputs(torch::nn::LinearImpl& layer, std::int64_t out_features);
void resize_outputs(torch::nn::Conv2dImpl& layer, std::int64_t out_channels);

}  // namespace torchkeep
