// ResNets for the 32x32 images of CIFAR-10 (He et al., 2015, section 4.2): three stages of narrow
// blocks, and shortcuts without parameters.
#include <ATen/Functions.h>
#include <torch/nn/init.h>

#include "models/blocks.h"
#include "models/families.h"
#include "models/initial_values.h"
#include "models/layers.h"

namespace torchkeep {

namespace cifar_resnet_detail {

torch::nn::Conv2d conv3x3(std::int64_t in_channels,
                          std::int64_t out_channels,
                          std::int64_t stride) {
  return conv2d(
      torch::nn::Conv2dOptions(in_channels, out_channels, 3).stride(stride).padding(1).bias(false));
}

class BlockImpl : public torch::nn::Module {
 public:
  BlockImpl(std::int64_t in_channels, std::int64_t out_channels, std::int64_t stride)
      : stride_(stride), padding_((out_channels - in_channels) / 2) {
    conv1_ = register_module("conv1", conv3x3(in_channels, out_channels, stride));
    bn1_ = register_module("bn1", batch_norm(out_channels));
    conv2_ = register_module("conv2", conv3x3(out_channels, out_channels, 1));
    bn2_ = register_module("bn2", batch_norm(out_channels));
  }

  at::Tensor forward(const at::Tensor& x) {
    at::Tensor y = at::relu(bn1_->forward(conv1_->forward(x)));
    y = bn2_->forward(conv2_->forward(y));
    return at::relu(y.add_(shortcut(x)));
  }

 private:
  // Every other row and column, and channels of zeros on both sides: option A of the paper.
  at::Tensor shortcut(const at::Tensor& x) const {
    if (stride_ == 1 && padding_ == 0) return x;
    const at::Tensor rows = x.slice(2, 0, x.size(2), stride_);
    const at::Tensor fewer = rows.slice(3, 0, x.size(3), stride_);
    return at::constant_pad_nd(fewer, {0, 0, 0, 0, padding_, padding_});
  }

  std::int64_t stride_;
  std::int64_t padding_;
  torch::nn::Conv2d conv1_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr};
  torch::nn::Conv2d conv2_{nullptr};
  torch::nn::BatchNorm2d bn2_{nullptr};
};

class CifarResNet final : public Classifier {
 public:
  CifarResNet(std::string architecture,
              std::int64_t blocks_of_a_stage,
              const ClassifierOptions& options)
      : Classifier(std::move(architecture)) {
    std::int64_t channels = 16;
    conv1_ = register_module("conv1", conv3x3(options.in_channels, channels, 1));
    bn1_ = register_module("bn1", batch_norm(channels));
    for (const std::int64_t width : {16, 32, 64}) {
      Chain layer;
      for (std::int64_t i = 0; i < blocks_of_a_stage; ++i) {
        layer->add(std::make_shared<BlockImpl>(channels, width, width == channels ? 1 : 2));
        channels = width;
      }
      layers_.push_back(register_module("layer" + std::to_string(layers_.size() + 1), layer));
    }
    linear_ = register_module("linear", linear(channels, options.num_classes));
    initialise(
        *this, [](torch::nn::Conv2dImpl& layer) { torch::nn::init::kaiming_normal_(layer.weight); },
        [](torch::nn::LinearImpl& layer) { torch::nn::init::kaiming_normal_(layer.weight); });
  }

  at::Tensor forward(const at::Tensor& x) override {
    at::Tensor y = at::relu(bn1_->forward(conv1_->forward(x)));
    for (Chain& layer : layers_) y = layer->forward(y);
    return linear_->forward(pooled(y));
  }

 private:
  torch::nn::Conv2d conv1_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr};
  std::vector<Chain> layers_;
  torch::nn::Linear linear_{nullptr};
};

Architecture cifar_resnet(std::string_view name, std::int64_t blocks_of_a_stage) {
  return architecture<CifarResNet>(name, {.num_classes = 10}, "linear", blocks_of_a_stage);
}

}  // namespace cifar_resnet_detail

std::vector<Architecture> cifar_resnet_family() {
  using cifar_resnet_detail::cifar_resnet;
  return {cifar_resnet("resnet20", 3), cifar_resnet("resnet32", 5), cifar_resnet("resnet44", 7),
          cifar_resnet("resnet56", 9)};
}

}  // namespace torchkeep
