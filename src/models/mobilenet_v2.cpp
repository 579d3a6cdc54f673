// MobileNet, version 2: residuals between narrow ends (Sandler et al., 2018).
#include <algorithm>

#include <torch/nn/modules/dropout.h>

#include "models/blocks.h"
#include "models/families.h"
#include "models/initial_values.h"
#include "models/layers.h"

namespace torchkeep {

namespace mobilenet_v2_detail {

struct Stage {
  std::int64_t expansion;
  std::int64_t channels;
  std::int64_t blocks;
  std::int64_t stride;  // of the first block
};
using Shape = std::vector<Stage>;

class InvertedResidualImpl : public PythonModule {
 public:
  InvertedResidualImpl(std::int64_t in_channels,
                       std::int64_t out_channels,
                       std::int64_t stride,
                       std::int64_t expansion)
      : PythonModule("torchvision.models.mobilenetv2.InvertedResidual",
                     dict({{"stride", stride},
                           {"use_res_connect", stride == 1 && in_channels == out_channels},
                           {"out_channels", out_channels},
                           {"_is_cn", stride > 1}})),
        is_residual_(stride == 1 && in_channels == out_channels) {
    constexpr auto kRelu6 = ActivationKind::relu6;
    const std::int64_t hidden = in_channels * expansion;
    Chain conv;
    if (expansion != 1) {
      conv->add(conv_norm_activation(in_channels, hidden, {.kernel = 1, .activation = kRelu6}));
    }
    conv->add(conv_norm_activation(hidden, hidden,
                                   {.stride = stride, .groups = hidden, .activation = kRelu6}));
    add_conv_norm_activation(*conv, hidden, out_channels,
                             {.kernel = 1, .activation = ActivationKind::none});
    conv_ = register_module("conv", conv);
  }

  at::Tensor forward(const at::Tensor& x) {
    return is_residual_ ? x + conv_->forward(x) : conv_->forward(x);
  }

 private:
  bool is_residual_;
  Chain conv_{nullptr};
};

class MobileNetV2 final : public Classifier {
 public:
  MobileNetV2(std::string architecture, const Shape& shape, const ClassifierOptions& options)
      : Classifier(std::move(architecture)) {
    constexpr auto kRelu6 = ActivationKind::relu6;
    const double width = *options.width_mult;
    const auto scaled = [](std::int64_t channels, double factor) {
      return make_divisible(static_cast<double>(channels) * factor);
    };
    std::int64_t channels = scaled(32, width);
    Chain features;
    features->add(
        conv_norm_activation(options.in_channels, channels, {.stride = 2, .activation = kRelu6}));
    for (const Stage& stage : shape) {
      const std::int64_t out_channels = scaled(stage.channels, width);
      for (std::int64_t i = 0; i < stage.blocks; ++i) {
        features->add(std::make_shared<InvertedResidualImpl>(
            channels, out_channels, i == 0 ? stage.stride : 1, stage.expansion));
        channels = out_channels;
      }
    }
    last_ = scaled(1280, std::max(1.0, width));
    features->add(conv_norm_activation(channels, last_, {.kernel = 1, .activation = kRelu6}));
    features_ = register_module("features", features);
    Chain classifier;
    classifier->add(torch::nn::Dropout(*options.dropout));
    classifier->add(linear(last_, options.num_classes));
    classifier_ = register_module("classifier", classifier);
    initialise(*this, draw_kaiming_fan_out, draw_normal(0.01));
  }

  static constexpr std::string_view kPythonClass = "torchvision.models.mobilenetv2.MobileNetV2";
  std::optional<ClassDescription> python_class() const override {
    return ClassDescription{std::string(kPythonClass), dict({{"last_channel", last_}}).as_dict()};
  }

  at::Tensor forward(const at::Tensor& x) override {
    return classifier_->forward(pooled(features_->forward(x)));
  }

 private:
  std::int64_t last_ = 0;  // channels of the last convolution
  Chain features_{nullptr};
  Chain classifier_{nullptr};
};

}  // namespace mobilenet_v2_detail

std::vector<Architecture> mobilenet_v2_family() {
  const mobilenet_v2_detail::Shape shape = {{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2},
                                            {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2},
                                            {6, 320, 1, 1}};
  return {architecture<mobilenet_v2_detail::MobileNetV2>(
      "mobilenet_v2", {.dropout = 0.2, .width_mult = 1.0}, "classifier.1", shape)};
}

}  // namespace torchkeep
