// MobileNet, version 3: inverted residuals with squeeze and excitation (Howard et al., 2019).
#include <torch/nn/modules/dropout.h>

#include "models/blocks.h"
#include "models/families.h"
#include "models/initial_values.h"
#include "models/layers.h"

namespace torchkeep {

namespace mobilenet_v3_detail {

constexpr NormOptions kNorm = {.eps = 0.001, .momentum = 0.01};
constexpr auto kRelu = ActivationKind::relu;
constexpr auto kHardswish = ActivationKind::hardswish;
enum class Squeeze { no, yes };

struct Block {
  std::int64_t in_channels;
  std::int64_t kernel;
  std::int64_t expanded;
  std::int64_t out_channels;
  Squeeze squeeze;
  ActivationKind activation;
  std::int64_t stride;
};

struct Shape {
  std::vector<Block> blocks;
  std::int64_t hidden;  // channels of the classifier
};

bool is_residual(const Block& block) {
  return block.stride == 1 && block.in_channels == block.out_channels;
}

class InvertedResidualImpl : public PythonModule {
 public:
  explicit InvertedResidualImpl(const Block& block)
      : PythonModule("torchvision.models.mobilenetv3.InvertedResidual",
                     dict({{"use_res_connect", is_residual(block)},
                           {"out_channels", block.out_channels},
                           {"_is_cn", block.stride > 1}})),
        is_residual_(is_residual(block)) {
    const std::int64_t expanded = block.expanded;
    Chain layers;
    if (expanded != block.in_channels) {
      layers->add(
          conv_norm_activation(block.in_channels, expanded,
                               {.kernel = 1, .activation = block.activation, .norm = kNorm}));
    }
    layers->add(conv_norm_activation(expanded, expanded,
                                     {.kernel = block.kernel,
                                      .stride = block.stride,
                                      .groups = expanded,
                                      .activation = block.activation,
                                      .norm = kNorm}));
    if (block.squeeze == Squeeze::yes) {
      const std::int64_t squeezed = make_divisible(static_cast<double>(expanded / 4));
      layers->add(SqueezeExcitation(expanded, squeezed, ActivationKind::relu_copied,
                                    ActivationKind::hardsigmoid));
    }
    layers->add(
        conv_norm_activation(expanded, block.out_channels,
                             {.kernel = 1, .activation = ActivationKind::none, .norm = kNorm}));
    layers_ = register_module("block", layers);
  }

  at::Tensor forward(const at::Tensor& x) {
    at::Tensor y = layers_->forward(x);
    return is_residual_ ? y.add_(x) : y;
  }

 private:
  bool is_residual_;
  Chain layers_{nullptr};
};

class MobileNetV3 final : public Classifier {
 public:
  MobileNetV3(std::string architecture, const Shape& shape, const ClassifierOptions& options)
      : Classifier(std::move(architecture)) {
    const auto width = [&](std::int64_t channels) {
      return make_divisible(static_cast<double>(channels) * *options.width_mult);
    };
    Chain features;
    features->add(conv_norm_activation(options.in_channels, width(shape.blocks.front().in_channels),
                                       {.stride = 2, .activation = kHardswish, .norm = kNorm}));
    for (Block block : shape.blocks) {
      block.in_channels = width(block.in_channels);
      block.expanded = width(block.expanded);
      block.out_channels = width(block.out_channels);
      features->add(std::make_shared<InvertedResidualImpl>(block));
    }
    const std::int64_t channels = width(shape.blocks.back().out_channels);
    features->add(conv_norm_activation(channels, 6 * channels,
                                       {.kernel = 1, .activation = kHardswish, .norm = kNorm}));
    features_ = register_module("features", features);
    avgpool_ = register_module("avgpool", torch::nn::AdaptiveAvgPool2d(1));
    const std::int64_t hidden = width(shape.hidden);
    Chain classifier;
    classifier->add(linear(6 * channels, hidden));
    classifier->add(Activation(kHardswish));
    classifier->add(torch::nn::Dropout(torch::nn::DropoutOptions(*options.dropout).inplace(true)));
    classifier->add(linear(hidden, options.num_classes));
    classifier_ = register_module("classifier", classifier);
    initialise(*this, draw_kaiming_fan_out, draw_normal(0.01));
  }

  static constexpr std::string_view kPythonClass = "torchvision.models.mobilenetv3.MobileNetV3";
  std::optional<ClassDescription> python_class() const override {
    return ClassDescription{std::string(kPythonClass), Dict()};
  }

  at::Tensor forward(const at::Tensor& x) override {
    return classifier_->forward(avgpool_->forward(features_->forward(x)).flatten(1));
  }

 private:
  Chain features_{nullptr};
  torch::nn::AdaptiveAvgPool2d avgpool_{nullptr};
  Chain classifier_{nullptr};
};

}  // namespace mobilenet_v3_detail

std::vector<Architecture> mobilenet_v3_family() {
  using mobilenet_v3_detail::kHardswish;
  using mobilenet_v3_detail::kRelu;
  using mobilenet_v3_detail::MobileNetV3;
  constexpr auto kNo = mobilenet_v3_detail::Squeeze::no;
  constexpr auto kYes = mobilenet_v3_detail::Squeeze::yes;
  const mobilenet_v3_detail::Shape large = {{{16, 3, 16, 16, kNo, kRelu, 1},
                                             {16, 3, 64, 24, kNo, kRelu, 2},
                                             {24, 3, 72, 24, kNo, kRelu, 1},
                                             {24, 5, 72, 40, kYes, kRelu, 2},
                                             {40, 5, 120, 40, kYes, kRelu, 1},
                                             {40, 5, 120, 40, kYes, kRelu, 1},
                                             {40, 3, 240, 80, kNo, kHardswish, 2},
                                             {80, 3, 200, 80, kNo, kHardswish, 1},
                                             {80, 3, 184, 80, kNo, kHardswish, 1},
                                             {80, 3, 184, 80, kNo, kHardswish, 1},
                                             {80, 3, 480, 112, kYes, kHardswish, 1},
                                             {112, 3, 672, 112, kYes, kHardswish, 1},
                                             {112, 5, 672, 160, kYes, kHardswish, 2},
                                             {160, 5, 960, 160, kYes, kHardswish, 1},
                                             {160, 5, 960, 160, kYes, kHardswish, 1}},
                                            1280};
  const mobilenet_v3_detail::Shape small = {{{16, 3, 16, 16, kYes, kRelu, 2},
                                             {16, 3, 72, 24, kNo, kRelu, 2},
                                             {24, 3, 88, 24, kNo, kRelu, 1},
                                             {24, 5, 96, 40, kYes, kHardswish, 2},
                                             {40, 5, 240, 40, kYes, kHardswish, 1},
                                             {40, 5, 240, 40, kYes, kHardswish, 1},
                                             {40, 5, 120, 48, kYes, kHardswish, 1},
                                             {48, 5, 144, 48, kYes, kHardswish, 1},
                                             {48, 5, 288, 96, kYes, kHardswish, 2},
                                             {96, 5, 576, 96, kYes, kHardswish, 1},
                                             {96, 5, 576, 96, kYes, kHardswish, 1}},
                                            1024};
  const ClassifierOptions defaults = {.dropout = 0.2, .width_mult = 1.0};
  return {architecture<MobileNetV3>("mobilenet_v3_large", defaults, "classifier.3", large),
          architecture<MobileNetV3>("mobilenet_v3_small", defaults, "classifier.3", small)};
}

}  // namespace torchkeep
