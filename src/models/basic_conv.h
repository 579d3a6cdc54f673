// What GoogLeNet and InceptionV3 are made of: a convolution, a batch norm, a ReLU.
#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>

#include "nn/python_module.h"

namespace torchkeep {

class BasicConvImpl : public PythonModule {
 public:
  // The options need no bias(false): there is never a bias.
  explicit BasicConvImpl(const std::string& class_path, torch::nn::Conv2dOptions options);
  at::Tensor forward(const at::Tensor& x);

 private:
  torch::nn::Conv2d conv_{nullptr};
  torch::nn::BatchNorm2d bn_{nullptr};
};
TORCH_MODULE(BasicConv);

}  // namespace torchkeep
