// MobileNet, version 1: depthwise and 1x1 convolutions in turn (Howard et al., 2017), in the form
// of the detectors that use it as backbone: three stages, leaky activations.
#include "models/blocks.h"
#include "models/families.h"
#include "models/layers.h"

namespace torchkeep {

namespace mobilenet_v1_detail {

struct Block {
  std::int64_t channels;
  std::int64_t stride;
};
const std::vector<std::vector<Block>> kStages = {
    {{64, 1}, {128, 2}, {128, 1}, {256, 2}, {256, 1}},
    {{512, 2}, {512, 1}, {512, 1}, {512, 1}, {512, 1}, {512, 1}},
    {{1024, 2}, {1024, 1}}};

class MobileNetV1 final : public Classifier {
 public:
  MobileNetV1(std::string architecture, double, const ClassifierOptions& options)
      : Classifier(std::move(architecture)) {
    constexpr auto kLeaky = ActivationKind::leaky_relu;
    const auto width = [&](std::int64_t channels) {
      return make_divisible(static_cast<double>(channels) * *options.width_mult);
    };
    std::int64_t channels = width(32);
    Chain stage;
    stage->add(
        conv_norm_activation(options.in_channels, channels, {.stride = 2, .activation = kLeaky}));
    for (std::size_t i = 0; i < kStages.size(); ++i) {
      for (const Block& block : kStages[i]) {
        Chain layers;
        add_conv_norm_activation(
            *layers, channels, channels,
            {.stride = block.stride, .groups = channels, .activation = kLeaky});
        add_conv_norm_activation(*layers, channels, width(block.channels),
                                 {.kernel = 1, .activation = kLeaky});
        channels = width(block.channels);
        stage->add(layers);
      }
      stages_.push_back(register_module("stage" + std::to_string(i + 1), stage));
      stage = Chain();
    }
    avg_ = register_module("avg", torch::nn::AdaptiveAvgPool2d(1));
    fc_ = register_module("fc", linear(channels, options.num_classes));
  }

  at::Tensor forward(const at::Tensor& x) override {
    at::Tensor y = x;
    for (Chain& stage : stages_) y = stage->forward(y);
    return fc_->forward(avg_->forward(y).flatten(1));
  }

 private:
  std::vector<Chain> stages_;
  torch::nn::AdaptiveAvgPool2d avg_{nullptr};
  torch::nn::Linear fc_{nullptr};
};

Architecture mobilenet_v1(std::string_view name, double width_mult) {
  return architecture<MobileNetV1>(name, {.width_mult = width_mult}, "fc", width_mult);
}

}  // namespace mobilenet_v1_detail

std::vector<Architecture> mobilenet_v1_family() {
  using mobilenet_v1_detail::mobilenet_v1;
  return {mobilenet_v1("mobilenet_v1", 1.0), mobilenet_v1("mobilenet_v1_x0_75", 0.75),
          mobilenet_v1("mobilenet_v1_x0_5", 0.5), mobilenet_v1("mobilenet_v1_x0_25", 0.25)};
}

}  // namespace torchkeep
