#include "models/initial_values.h"

#include <cmath>

#include <torch/nn/init.h>

#include "models/layers.h"

namespace torchkeep {

void initialise(torch::nn::Module& module,
                const std::function<void(torch::nn::Conv2dImpl&)>& convolution,
                const std::function<void(torch::nn::LinearImpl&)>& linear) {
  if (SkipInitialisation::active()) return;
  const torch::NoGradGuard no_grad;
  for (const auto& child : module.modules(/*include_self=*/false)) {
    if (auto* layer = child->as<torch::nn::Conv2dImpl>()) {
      convolution(*layer);
    } else if (auto* dense = child->as<torch::nn::LinearImpl>()) {
      linear(*dense);
    }
  }
}

void draw_kaiming_fan_out(torch::nn::Conv2dImpl& convolution) {
  torch::nn::init::kaiming_normal_(convolution.weight, 0, torch::kFanOut, torch::kReLU);
  zero(convolution.bias);
}

std::function<void(torch::nn::LinearImpl&)> draw_normal(double std) {
  return [std](torch::nn::LinearImpl& layer) {
    torch::nn::init::normal_(layer.weight, 0, std);
    zero(layer.bias);
  };
}

// By the inverse of the cumulative distribution.
void draw_truncated_normal(at::Tensor& tensor, double std) {
  constexpr double kCut = 2.0;
  const double below = (1.0 + std::erf(-kCut / std / std::sqrt(2.0))) / 2.0;
  const double above = (1.0 + std::erf(kCut / std / std::sqrt(2.0))) / 2.0;
  const torch::NoGradGuard no_grad;
  tensor.uniform_(2 * below - 1, 2 * above - 1);
  tensor.erfinv_().mul_(std * std::sqrt(2.0)).add_(0.0).clamp_(-kCut, kCut);
}

void zero(at::Tensor& bias) {
  if (bias.defined()) torch::nn::init::zeros_(bias);
}

}  // namespace torchkeep
