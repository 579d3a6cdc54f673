// Building blocks that several families share, with torchvision's names of what is in them.
#pragma once

#include <cstdint>
#include <string>

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/pooling.h>
#include <torch/nn/pimpl.h>

#include "models/chain.h"
#include "models/python_names.h"
#include "nn/python_module.h"

namespace torchkeep {

enum class ActivationKind {
  none,
  relu,
  relu_copied,  // not in place
  relu6,
  leaky_relu,  // with the slope 0.1
  silu,
  hardswish,
  sigmoid,
  hardsigmoid
};

// Works in place, except for the sigmoids and relu_copied.
class ActivationImpl : public PythonModule {
 public:
  explicit ActivationImpl(ActivationKind kind);
  at::Tensor forward(at::Tensor x) const;
  void pretty_print(std::ostream& stream) const override;

 private:
  ActivationKind kind_;
};
TORCH_MODULE(Activation);

struct NormOptions {
  double eps = 1e-5;
  double momentum = 0.1;
};
torch::nn::BatchNorm2d batch_norm(std::int64_t channels, const NormOptions& options = {});

struct ConvNormOptions {
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t groups = 1;
  ActivationKind activation = ActivationKind::relu;
  NormOptions norm = {};
};
// A convolution without bias that keeps height and width (divided by the stride), a batch norm and
// the activation, if there is one.
void add_conv_norm_activation(ChainImpl& chain,
                              std::int64_t in_channels,
                              std::int64_t out_channels,
                              const ConvNormOptions& options);
Chain conv_norm_activation(std::int64_t in_channels,
                           std::int64_t out_channels,
                           const ConvNormOptions& options,
                           const std::string& class_path = kPythonConvNorm);

// A factor for each channel, computed from the means of all channels (Hu et al., 2018).
class SqueezeExcitationImpl : public PythonModule {
 public:
  SqueezeExcitationImpl(std::int64_t channels,
                        std::int64_t squeezed,
                        ActivationKind activation = ActivationKind::relu_copied,
                        ActivationKind scale = ActivationKind::sigmoid);
  at::Tensor forward(const at::Tensor& x);

 private:
  torch::nn::AdaptiveAvgPool2d avgpool_{nullptr};
  torch::nn::Conv2d fc1_{nullptr};
  torch::nn::Conv2d fc2_{nullptr};
  Activation activation_{nullptr};
  Activation scale_activation_{nullptr};
};
TORCH_MODULE(SqueezeExcitation);

// In training drops whole rows of the batch with that probability and scales the others
// (Huang et al., 2016).
class StochasticDepthImpl : public PythonModule {
 public:
  explicit StochasticDepthImpl(double probability);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  double probability_;
};
TORCH_MODULE(StochasticDepth);

// The mean of each channel: [n, c, h, w] -> [n, c].
at::Tensor pooled(const at::Tensor& x);

// Inputs in ImageNet's normalisation, normalised to [-1, 1] instead, as the models that come from
// TensorFlow need them.
at::Tensor from_imagenet_normalisation(const at::Tensor& x);

// The multiple of the divisor nearest to the value, at least one divisor and nine tenths of the
// value.
std::int64_t make_divisible(double value, std::int64_t divisor = 8);

}  // namespace torchkeep
