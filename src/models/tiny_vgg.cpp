// Two VGG blocks and one hidden linear layer, for images of 28x28.
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/pooling.h>

#include "models/families.h"
#include "models/layers.h"

namespace torchkeep {

namespace tiny_vgg_detail {

constexpr std::int64_t kWidth = 16;
constexpr std::int64_t kPooled = 28 / 2 / 2;  // two poolings halve the image twice

void append_block(torch::nn::Sequential& layers, std::int64_t in_channels, std::int64_t width) {
  for (const std::int64_t channels : {in_channels, width}) {
    layers->push_back(conv2d(torch::nn::Conv2dOptions(channels, width, 3).padding(1)));
    layers->push_back(torch::nn::ReLU(torch::nn::ReLUOptions(/*inplace=*/true)));
  }
  layers->push_back(torch::nn::MaxPool2d(2));
}

class TinyVgg final : public Classifier {
 public:
  TinyVgg(std::string architecture, std::nullptr_t, const ClassifierOptions& options)
      : Classifier(std::move(architecture)) {
    torch::nn::Sequential features;
    append_block(features, options.in_channels, kWidth);
    append_block(features, kWidth, 2 * kWidth);
    features_ = register_module("features", features);
    classifier_ = register_module(
        "classifier",
        torch::nn::Sequential(torch::nn::Flatten(), torch::nn::Dropout(*options.dropout),
                              linear(2 * kWidth * kPooled * kPooled, options.num_classes)));
  }

  at::Tensor forward(const at::Tensor& x) override {
    return classifier_->forward(features_->forward(x));
  }

 private:
  torch::nn::Sequential features_{nullptr};
  torch::nn::Sequential classifier_{nullptr};
};

}  // namespace tiny_vgg_detail

std::vector<Architecture> tiny_vgg_family() {
  return {architecture<tiny_vgg_detail::TinyVgg>(
      "tiny_vgg", {.num_classes = 10, .dropout = 0.25, .in_channels = 1}, "classifier.2", nullptr)};
}

}  // namespace torchkeep
