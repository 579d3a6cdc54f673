#include "models/basic_conv.h"

#include <ATen/Functions.h>

#include "models/blocks.h"
#include "models/layers.h"

namespace torchkeep {

BasicConvImpl::BasicConvImpl(const std::string& class_path, torch::nn::Conv2dOptions options)
    : PythonModule(class_path) {
  conv_ = register_module("conv", conv2d(options.bias(false)));
  bn_ = register_module("bn", batch_norm(options.out_channels(), {.eps = 0.001}));
}

at::Tensor BasicConvImpl::forward(const at::Tensor& x) {
  return bn_->forward(conv_->forward(x)).relu_();
}

}  // namespace torchkeep
