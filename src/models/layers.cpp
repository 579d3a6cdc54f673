#include "models/layers.h"

#include <utility>
#include <vector>

#include <torchkeep/random_state.h>

#include <torch/csrc/autograd/variable.h>

namespace torchkeep {

namespace layers_detail {

thread_local bool skip_initialisation = false;

void resize_parameter(at::Tensor& parameter, const std::vector<std::int64_t>& shape) {
  parameter.set_data(at::empty(shape, parameter.options().requires_grad(false)));
  parameter.mutable_grad().reset();
  // A graph that is still alive may hold an accumulator for gradients of the old shape.
  torch::autograd::impl::set_grad_accumulator(parameter, {});
}

}  // namespace layers_detail

SkipInitialisation::SkipInitialisation()
    : before_(std::exchange(layers_detail::skip_initialisation, true)),
      random_state_(torchkeep::random_state()) {}

SkipInitialisation::~SkipInitialisation() {
  layers_detail::skip_initialisation = before_;
  set_random_state(random_state_);
}

bool SkipInitialisation::active() { return layers_detail::skip_initialisation; }

// The constructors of LibTorch always initialise: where that is to be skipped, the smallest layer
// is made and then given its real size.

torch::nn::Conv2d conv2d(const torch::nn::Conv2dOptions& options) {
  if (!SkipInitialisation::active()) return torch::nn::Conv2d(options);
  const std::int64_t groups = options.groups();
  torch::nn::Conv2dOptions smallest = options;
  smallest.in_channels(groups).out_channels(groups);
  torch::nn::Conv2d layer(smallest);
  layer->options.in_channels(options.in_channels());
  resize_outputs(*layer, options.out_channels());
  return layer;
}

torch::nn::Linear linear(std::int64_t in_features, std::int64_t out_features) {
  if (!SkipInitialisation::active()) return torch::nn::Linear(in_features, out_features);
  torch::nn::Linear layer(1, 1);
  layer->options.in_features(in_features);
  resize_outputs(*layer, out_features);
  return layer;
}

void resize_outputs(torch::nn::LinearImpl& layer, std::int64_t out_features) {
  layer.options.out_features(out_features);
  layers_detail::resize_parameter(layer.weight, {out_features, layer.options.in_features()});
  if (layer.bias.defined()) layers_detail::resize_parameter(layer.bias, {out_features});
}

void resize_outputs(torch::nn::Conv2dImpl& layer, std::int64_t out_channels) {
  layer.options.out_channels(out_channels);
  std::vector<std::int64_t> shape = layer.weight.sizes().vec();
  shape[0] = out_channels;
  shape[1] = layer.options.in_channels() / layer.options.groups();
  layers_detail::resize_parameter(layer.weight, shape);
  if (layer.bias.defined()) layers_detail::resize_parameter(layer.bias, {out_channels});
}

}  // namespace torchkeep
