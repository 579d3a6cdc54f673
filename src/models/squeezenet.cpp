// SqueezeNet: 3x3 convolutions on few channels, and a convolution as head (Iandola et al., 2016).
#include <ATen/Functions.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/dropout.h>

#include "models/blocks.h"
#include "models/families.h"
#include "models/initial_values.h"
#include "models/layers.h"

namespace torchkeep {

namespace squeezenet_detail {

constexpr std::int64_t kPool = 0;  // in a row of fires: a pooling instead

struct Shape {
  std::int64_t width;               // of the first convolution
  std::int64_t kernel;              // of the first convolution
  std::vector<std::int64_t> fires;  // squeezed channels; each fire puts out eight times as many
};

class FireImpl : public PythonModule {
 public:
  FireImpl(std::int64_t in_channels, std::int64_t squeezed)
      : PythonModule("torchvision.models.squeezenet.Fire", dict({{"inplanes", in_channels}})) {
    const std::int64_t expanded = 4 * squeezed;
    squeeze_ =
        register_module("squeeze", conv2d(torch::nn::Conv2dOptions(in_channels, squeezed, 1)));
    squeeze_activation_ = register_module("squeeze_activation", Activation(ActivationKind::relu));
    expand1x1_ =
        register_module("expand1x1", conv2d(torch::nn::Conv2dOptions(squeezed, expanded, 1)));
    expand1x1_activation_ =
        register_module("expand1x1_activation", Activation(ActivationKind::relu));
    expand3x3_ = register_module(
        "expand3x3", conv2d(torch::nn::Conv2dOptions(squeezed, expanded, 3).padding(1)));
    expand3x3_activation_ =
        register_module("expand3x3_activation", Activation(ActivationKind::relu));
  }

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor squeezed = squeeze_activation_->forward(squeeze_->forward(x));
    return at::cat({expand1x1_activation_->forward(expand1x1_->forward(squeezed)),
                    expand3x3_activation_->forward(expand3x3_->forward(squeezed))},
                   1);
  }

 private:
  torch::nn::Conv2d squeeze_{nullptr};
  Activation squeeze_activation_{nullptr};
  torch::nn::Conv2d expand1x1_{nullptr};
  Activation expand1x1_activation_{nullptr};
  torch::nn::Conv2d expand3x3_{nullptr};
  Activation expand3x3_activation_{nullptr};
};

class SqueezeNet final : public Classifier {
 public:
  SqueezeNet(std::string architecture, const Shape& shape, const ClassifierOptions& options)
      : Classifier(std::move(architecture)) {
    Chain features;
    features->add(
        conv2d(torch::nn::Conv2dOptions(options.in_channels, shape.width, shape.kernel).stride(2)));
    features->add(Activation(ActivationKind::relu));
    std::int64_t channels = shape.width;
    for (const std::int64_t squeezed : shape.fires) {
      if (squeezed == kPool) {
        features->add(
            torch::nn::MaxPool2d(torch::nn::MaxPool2dOptions(3).stride(2).ceil_mode(true)));
      } else {
        features->add(std::make_shared<FireImpl>(channels, squeezed));
        channels = 8 * squeezed;
      }
    }
    features_ = register_module("features", features);
    head_ = conv2d(torch::nn::Conv2dOptions(channels, options.num_classes, 1));
    Chain classifier;
    classifier->add(torch::nn::Dropout(*options.dropout));
    classifier->add(head_);
    classifier->add(Activation(ActivationKind::relu));
    classifier->add(torch::nn::AdaptiveAvgPool2d(1));
    classifier_ = register_module("classifier", classifier);
    initialise(*this, [this](torch::nn::Conv2dImpl& layer) { draw(layer); }, {});
  }

  static constexpr std::string_view kPythonClass = "torchvision.models.squeezenet.SqueezeNet";
  std::optional<ClassDescription> python_class() const override {
    return ClassDescription{std::string(kPythonClass),
                            dict({{"num_classes", options().num_classes}}).as_dict()};
  }

  at::Tensor forward(const at::Tensor& x) override {
    return classifier_->forward(features_->forward(x)).flatten(1);
  }

 private:
  void draw(torch::nn::Conv2dImpl& layer) const {
    if (&layer == head_.get()) {
      torch::nn::init::normal_(layer.weight, 0, 0.01);
    } else {
      torch::nn::init::kaiming_uniform_(layer.weight);
    }
    zero(layer.bias);
  }

  torch::nn::Conv2d head_{nullptr};
  Chain features_{nullptr};
  Chain classifier_{nullptr};
};

}  // namespace squeezenet_detail

std::vector<Architecture> squeezenet_family() {
  using squeezenet_detail::kPool;
  using squeezenet_detail::Shape;
  using squeezenet_detail::SqueezeNet;
  const ClassifierOptions defaults = {.dropout = 0.5};
  return {
      architecture<SqueezeNet>("squeezenet1_0", defaults, "classifier.1",
                               Shape{96, 7, {kPool, 16, 16, 32, kPool, 32, 48, 48, 64, kPool, 64}}),
      architecture<SqueezeNet>(
          "squeezenet1_1", defaults, "classifier.1",
          Shape{64, 3, {kPool, 16, 16, kPool, 32, 32, kPool, 48, 48, 64, 64}})};
}

}  // namespace torchkeep
