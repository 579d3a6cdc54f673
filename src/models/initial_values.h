// The initial values that the families draw over those of the layers, as torchvision does.
#pragma once

#include <functional>

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

namespace torchkeep {

// Visits all convolutions and linear layers below a module, in the order of registration, in which
// torchvision draws. Does nothing where initialisation is skipped.
void initialise(torch::nn::Module& module,
                const std::function<void(torch::nn::Conv2dImpl&)>& convolution,
                const std::function<void(torch::nn::LinearImpl&)>& linear);

// He's normal distribution by the number of outputs; no bias.
void draw_kaiming_fan_out(torch::nn::Conv2dImpl& convolution);

// A normal distribution around 0 with that standard deviation; no bias.
std::function<void(torch::nn::LinearImpl&)> draw_normal(double std);

// A normal distribution around 0 that is cut off at -2 and 2.
void draw_truncated_normal(at::Tensor& tensor, double std);

// Sets a bias to 0, if there is one.
void zero(at::Tensor& bias);

}  // namespace torchkeep
