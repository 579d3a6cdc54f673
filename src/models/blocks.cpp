#include "models/blocks.h"

#include <algorithm>
#include <array>
#include <ostream>

#include <ATen/Functions.h>

#include "models/layers.h"

namespace torchkeep {

namespace blocks_detail {

constexpr std::array kActivations = {"Identity", "ReLU",      "ReLU",    "ReLU6",      "LeakyReLU",
                                     "SiLU",     "Hardswish", "Sigmoid", "Hardsigmoid"};

const char* name(ActivationKind kind) { return kActivations.at(static_cast<std::size_t>(kind)); }

Value attributes(ActivationKind kind) {
  Dict attributes;
  if (kind == ActivationKind::relu6) {
    attributes.set("min_val", 0.0);
    attributes.set("max_val", 6.0);
  }
  if (kind == ActivationKind::leaky_relu) attributes.set("negative_slope", 0.1);
  if (kind != ActivationKind::sigmoid) {
    attributes.set("inplace",
                   kind != ActivationKind::hardsigmoid && kind != ActivationKind::relu_copied);
  }
  return attributes;
}

}  // namespace blocks_detail

ActivationImpl::ActivationImpl(ActivationKind kind)
    : PythonModule(std::string("torch.nn.modules.activation.") + blocks_detail::name(kind),
                   blocks_detail::attributes(kind)),
      kind_(kind) {}

at::Tensor ActivationImpl::forward(at::Tensor x) const {
  switch (kind_) {
    case ActivationKind::none:
      return x;
    case ActivationKind::relu:
      return at::relu_(x);
    case ActivationKind::relu_copied:
      return at::relu(x);
    case ActivationKind::relu6:
      return at::hardtanh_(x, 0.0, 6.0);
    case ActivationKind::leaky_relu:
      return at::leaky_relu_(x, 0.1);
    case ActivationKind::silu:
      return at::silu_(x);
    case ActivationKind::hardswish:
      return at::hardswish_(x);
    case ActivationKind::sigmoid:
      return at::sigmoid(x);
    case ActivationKind::hardsigmoid:
      return at::hardsigmoid(x);
  }
  return x;
}

void ActivationImpl::pretty_print(std::ostream& stream) const {
  stream << blocks_detail::name(kind_) << "()";
}

torch::nn::BatchNorm2d batch_norm(std::int64_t channels, const NormOptions& options) {
  return torch::nn::BatchNorm2d(
      torch::nn::BatchNorm2dOptions(channels).eps(options.eps).momentum(options.momentum));
}

void add_conv_norm_activation(ChainImpl& chain,
                              std::int64_t in_channels,
                              std::int64_t out_channels,
                              const ConvNormOptions& options) {
  chain.add(conv2d(torch::nn::Conv2dOptions(in_channels, out_channels, options.kernel)
                       .stride(options.stride)
                       .padding((options.kernel - 1) / 2)
                       .groups(options.groups)
                       .bias(false)));
  chain.add(batch_norm(out_channels, options.norm));
  if (options.activation != ActivationKind::none) chain.add(Activation(options.activation));
}

Chain conv_norm_activation(std::int64_t in_channels,
                           std::int64_t out_channels,
                           const ConvNormOptions& options,
                           const std::string& class_path) {
  Chain chain(class_path, dict({{"out_channels", out_channels}}));
  add_conv_norm_activation(*chain, in_channels, out_channels, options);
  return chain;
}

SqueezeExcitationImpl::SqueezeExcitationImpl(std::int64_t channels,
                                             std::int64_t squeezed,
                                             ActivationKind activation,
                                             ActivationKind scale)
    : PythonModule("torchvision.ops.misc.SqueezeExcitation") {
  avgpool_ = register_module("avgpool", torch::nn::AdaptiveAvgPool2d(1));
  fc1_ = register_module("fc1", conv2d(torch::nn::Conv2dOptions(channels, squeezed, 1)));
  fc2_ = register_module("fc2", conv2d(torch::nn::Conv2dOptions(squeezed, channels, 1)));
  activation_ = register_module("activation", Activation(activation));
  scale_activation_ = register_module("scale_activation", Activation(scale));
}

at::Tensor SqueezeExcitationImpl::forward(const at::Tensor& x) {
  const at::Tensor squeezed = activation_->forward(fc1_->forward(avgpool_->forward(x)));
  return scale_activation_->forward(fc2_->forward(squeezed)) * x;
}

StochasticDepthImpl::StochasticDepthImpl(double probability)
    : PythonModule("torchvision.ops.stochastic_depth.StochasticDepth",
                   dict({{"p", probability}, {"mode", "row"}})),
      probability_(probability) {}

at::Tensor StochasticDepthImpl::forward(const at::Tensor& x) const {
  if (!is_training() || probability_ == 0.0) return x;
  const double survival = 1.0 - probability_;
  std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
  shape[0] = x.size(0);
  at::Tensor noise = at::empty(shape, x.options()).bernoulli_(survival);
  if (survival > 0.0) noise.div_(survival);
  return x * noise;
}

at::Tensor pooled(const at::Tensor& x) { return at::adaptive_avg_pool2d(x, {1, 1}).flatten(1); }

at::Tensor from_imagenet_normalisation(const at::Tensor& x) {
  constexpr std::array kMean = {0.485, 0.456, 0.406};
  constexpr std::array kStd = {0.229, 0.224, 0.225};
  std::vector<at::Tensor> channels;
  for (std::size_t i = 0; i < kMean.size(); ++i) {
    const at::Tensor channel = x.select(1, static_cast<std::int64_t>(i)).unsqueeze(1);
    channels.push_back(channel * (kStd[i] / 0.5) + (kMean[i] - 0.5) / 0.5);
  }
  return at::cat(channels, 1);
}

std::int64_t make_divisible(double value, std::int64_t divisor) {
  const auto half = static_cast<double>(divisor) / 2;
  std::int64_t rounded =
      std::max(divisor, static_cast<std::int64_t>(value + half) / divisor * divisor);
  if (static_cast<double>(rounded) < 0.9 * value) rounded += divisor;
  return rounded;
}

}  // namespace torchkeep
