// VGG: 3x3 convolutions in five blocks of growing width, then three linear layers
// (Simonyan and Zisserman, 2014), with or without batch normalisation.
#include <array>

#include <torch/nn/init.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/pooling.h>

#include "models/families.h"
#include "models/initial_values.h"
#include "models/layers.h"
#include "models/python_names.h"

namespace torchkeep {

namespace vgg_detail {

struct Shape {
  std::array<int, 5> convolutions;  // in each block
  bool batch_norm;
};

constexpr std::array<std::int64_t, 5> kWidths = {64, 128, 256, 512, 512};
constexpr std::int64_t kPooled = 7;  // height and width of what the linear layers see
constexpr std::int64_t kHidden = 4096;

torch::nn::Sequential features(const Shape& shape, std::int64_t in_channels) {
  torch::nn::Sequential layers;
  std::int64_t channels = in_channels;
  for (std::size_t block = 0; block < kWidths.size(); ++block) {
    for (int i = 0; i < shape.convolutions[block]; ++i) {
      const std::int64_t width = kWidths[block];
      layers->push_back(conv2d(torch::nn::Conv2dOptions(channels, width, 3).padding(1)));
      if (shape.batch_norm) layers->push_back(torch::nn::BatchNorm2d(width));
      layers->push_back(torch::nn::ReLU(torch::nn::ReLUOptions(/*inplace=*/true)));
      channels = width;
    }
    layers->push_back(torch::nn::MaxPool2d(torch::nn::MaxPool2dOptions(2).stride(2)));
  }
  return layers;
}

torch::nn::Sequential classifier(std::int64_t num_classes, double dropout) {
  const auto relu = [] { return torch::nn::ReLU(torch::nn::ReLUOptions(/*inplace=*/true)); };
  return torch::nn::Sequential(linear(kWidths.back() * kPooled * kPooled, kHidden), relu(),
                               torch::nn::Dropout(dropout), linear(kHidden, kHidden), relu(),
                               torch::nn::Dropout(dropout), linear(kHidden, num_classes));
}

class Vgg final : public Classifier {
 public:
  Vgg(std::string architecture, const Shape& shape, const ClassifierOptions& options)
      : Classifier(std::move(architecture)) {
    features_ = register_module("features", features(shape, options.in_channels));
    avgpool_ = register_module("avgpool", torch::nn::AdaptiveAvgPool2d(kPooled));
    classifier_ = register_module("classifier", classifier(options.num_classes, *options.dropout));
    initialise(*this, draw_kaiming_fan_out, draw_normal(0.01));
  }

  at::Tensor forward(const at::Tensor& x) override {
    return classifier_->forward(avgpool_->forward(features_->forward(x)).flatten(1));
  }
  static constexpr std::string_view kPythonClass = kPythonVgg;
  std::optional<ClassDescription> python_class() const override {
    return ClassDescription{std::string(kPythonClass), Dict()};
  }

 private:
  torch::nn::Sequential features_{nullptr};
  torch::nn::AdaptiveAvgPool2d avgpool_{nullptr};
  torch::nn::Sequential classifier_{nullptr};
};

Architecture vgg(std::string_view name, const Shape& shape) {
  return architecture<Vgg>(name, {.dropout = 0.5}, "classifier.6", shape);
}

}  // namespace vgg_detail

std::vector<Architecture> vgg_family() {
  using vgg_detail::vgg;
  return {vgg("vgg11", {{1, 1, 2, 2, 2}, false}), vgg("vgg11_bn", {{1, 1, 2, 2, 2}, true}),
          vgg("vgg13", {{2, 2, 2, 2, 2}, false}), vgg("vgg13_bn", {{2, 2, 2, 2, 2}, true}),
          vgg("vgg16", {{2, 2, 3, 3, 3}, false}), vgg("vgg16_bn", {{2, 2, 3, 3, 3}, true}),
          vgg("vgg19", {{2, 2, 4, 4, 4}, false}), vgg("vgg19_bn", {{2, 2, 4, 4, 4}, true})};
}

}  // namespace torchkeep
