// EfficientNet: depth, width and image size grow together (Tan and Le, 2019); version 2 begins with
// undivided convolutions (2021).
#include <cmath>
#include <optional>

#include <torch/nn/init.h>
#include <torch/nn/modules/dropout.h>

#include "models/blocks.h"
#include "models/families.h"
#include "models/initial_values.h"
#include "models/layers.h"

namespace torchkeep {

namespace efficientnet_detail {

constexpr auto kSilu = ActivationKind::silu;
constexpr auto kNone = ActivationKind::none;

struct Stage {
  enum class Kind { fused, divided } kind;
  std::int64_t expansion;
  std::int64_t kernel;
  std::int64_t stride;  // of the first block
  std::int64_t in_channels;
  std::int64_t out_channels;
  std::int64_t blocks;
};

struct Shape {
  std::vector<Stage> stages;
  std::optional<std::int64_t> last;  // channels of the last convolution; nothing: four times
  NormOptions norm;
};

bool is_residual(const Stage& stage) {
  return stage.stride == 1 && stage.in_channels == stage.out_channels;
}

class MbConvImpl : public PythonModule {
 public:
  MbConvImpl(const Stage& stage, double drop_probability, const NormOptions& norm)
      : PythonModule(
            stage.kind == Stage::Kind::fused ? "torchvision.models.efficientnet.FusedMBConv"
                                             : "torchvision.models.efficientnet.MBConv",
            dict({{"use_res_connect", is_residual(stage)}, {"out_channels", stage.out_channels}})),
        is_residual_(is_residual(stage)) {
    Chain block;
    if (stage.kind == Stage::Kind::fused) {
      add_fused(*block, stage, norm);
    } else {
      add_divided(*block, stage, norm);
    }
    block_ = register_module("block", block);
    stochastic_depth_ = register_module("stochastic_depth", StochasticDepth(drop_probability));
  }

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor y = block_->forward(x);
    return is_residual_ ? stochastic_depth_->forward(y).add_(x) : y;
  }

 private:
  static std::int64_t expanded(const Stage& stage) {
    return make_divisible(static_cast<double>(stage.in_channels * stage.expansion));
  }

  static void add_fused(ChainImpl& block, const Stage& stage, const NormOptions& norm) {
    const ConvNormOptions first = {
        .kernel = stage.kernel, .stride = stage.stride, .activation = kSilu, .norm = norm};
    const std::int64_t hidden = expanded(stage);
    if (hidden == stage.in_channels) {
      block.add(conv_norm_activation(stage.in_channels, stage.out_channels, first));
      return;
    }
    block.add(conv_norm_activation(stage.in_channels, hidden, first));
    block.add(conv_norm_activation(hidden, stage.out_channels,
                                   {.kernel = 1, .activation = kNone, .norm = norm}));
  }

  static void add_divided(ChainImpl& block, const Stage& stage, const NormOptions& norm) {
    const std::int64_t hidden = expanded(stage);
    if (hidden != stage.in_channels) {
      block.add(conv_norm_activation(stage.in_channels, hidden,
                                     {.kernel = 1, .activation = kSilu, .norm = norm}));
    }
    block.add(conv_norm_activation(hidden, hidden,
                                   {.kernel = stage.kernel,
                                    .stride = stage.stride,
                                    .groups = hidden,
                                    .activation = kSilu,
                                    .norm = norm}));
    const std::int64_t squeezed = std::max<std::int64_t>(1, stage.in_channels / 4);
    block.add(SqueezeExcitation(hidden, squeezed, kSilu));
    block.add(conv_norm_activation(hidden, stage.out_channels,
                                   {.kernel = 1, .activation = kNone, .norm = norm}));
  }

  bool is_residual_;
  Chain block_{nullptr};
  StochasticDepth stochastic_depth_{nullptr};
};

class EfficientNet final : public Classifier {
 public:
  EfficientNet(std::string architecture, const Shape& shape, const ClassifierOptions& options)
      : Classifier(std::move(architecture)) {
    Chain features;
    features->add(conv_norm_activation(options.in_channels, shape.stages.front().in_channels,
                                       {.stride = 2, .activation = kSilu, .norm = shape.norm}));
    add_stages(*features, shape, *options.stochastic_depth_prob);
    const std::int64_t channels = shape.stages.back().out_channels;
    const std::int64_t last = shape.last.value_or(4 * channels);
    features->add(conv_norm_activation(channels, last,
                                       {.kernel = 1, .activation = kSilu, .norm = shape.norm}));
    features_ = register_module("features", features);
    avgpool_ = register_module("avgpool", torch::nn::AdaptiveAvgPool2d(1));
    Chain classifier;
    classifier->add(torch::nn::Dropout(torch::nn::DropoutOptions(*options.dropout).inplace(true)));
    classifier->add(linear(last, options.num_classes));
    classifier_ = register_module("classifier", classifier);
    initialise(*this, draw_kaiming_fan_out, [](torch::nn::LinearImpl& layer) {
      const double range = 1.0 / std::sqrt(static_cast<double>(layer.options.out_features()));
      torch::nn::init::uniform_(layer.weight, -range, range);
      zero(layer.bias);
    });
  }

  static constexpr std::string_view kPythonClass = "torchvision.models.efficientnet.EfficientNet";
  std::optional<ClassDescription> python_class() const override {
    return ClassDescription{std::string(kPythonClass), Dict()};
  }

  at::Tensor forward(const at::Tensor& x) override {
    return classifier_->forward(avgpool_->forward(features_->forward(x)).flatten(1));
  }

 private:
  // The later a block, the more often it is dropped.
  static void add_stages(ChainImpl& features, const Shape& shape, double drop_probability) {
    std::int64_t blocks = 0;
    for (const Stage& stage : shape.stages) blocks += stage.blocks;
    std::int64_t place = 0;
    for (Stage block : shape.stages) {
      Chain stage;
      for (std::int64_t i = 0; i < block.blocks; ++i) {
        const double drop =
            drop_probability * static_cast<double>(place++) / static_cast<double>(blocks);
        stage->add(std::make_shared<MbConvImpl>(block, drop, shape.norm));
        block.in_channels = block.out_channels;
        block.stride = 1;
      }
      features.add(stage);
    }
  }

  Chain features_{nullptr};
  torch::nn::AdaptiveAvgPool2d avgpool_{nullptr};
  Chain classifier_{nullptr};
};

Architecture efficientnet(std::string_view name, double dropout, const Shape& shape) {
  return architecture<EfficientNet>(name, {.dropout = dropout, .stochastic_depth_prob = 0.2},
                                    "classifier.1", shape);
}

// B0, with more channels and more blocks.
Shape scaled(double width, double depth, const NormOptions& norm = {}) {
  constexpr auto kDivided = Stage::Kind::divided;
  std::vector<Stage> stages = {{kDivided, 1, 3, 1, 32, 16, 1},  {kDivided, 6, 3, 2, 16, 24, 2},
                               {kDivided, 6, 5, 2, 24, 40, 2},  {kDivided, 6, 3, 2, 40, 80, 3},
                               {kDivided, 6, 5, 1, 80, 112, 3}, {kDivided, 6, 5, 2, 112, 192, 4},
                               {kDivided, 6, 3, 1, 192, 320, 1}};
  for (Stage& stage : stages) {
    stage.in_channels = make_divisible(static_cast<double>(stage.in_channels) * width);
    stage.out_channels = make_divisible(static_cast<double>(stage.out_channels) * width);
    stage.blocks = static_cast<std::int64_t>(std::ceil(static_cast<double>(stage.blocks) * depth));
  }
  return {.stages = stages, .last = std::nullopt, .norm = norm};
}

Shape version_2(std::vector<Stage> stages) {
  return {.stages = std::move(stages), .last = 1280, .norm = {.eps = 1e-3}};
}

}  // namespace efficientnet_detail

std::vector<Architecture> efficientnet_family() {
  using efficientnet_detail::efficientnet;
  using efficientnet_detail::scaled;
  using efficientnet_detail::version_2;
  constexpr NormOptions kNorm = {.eps = 0.001, .momentum = 0.01};
  constexpr auto kFused = efficientnet_detail::Stage::Kind::fused;
  constexpr auto kDivided = efficientnet_detail::Stage::Kind::divided;
  return {efficientnet("efficientnet_b0", 0.2, scaled(1.0, 1.0)),
          efficientnet("efficientnet_b1", 0.2, scaled(1.0, 1.1)),
          efficientnet("efficientnet_b2", 0.3, scaled(1.1, 1.2)),
          efficientnet("efficientnet_b3", 0.3, scaled(1.2, 1.4)),
          efficientnet("efficientnet_b4", 0.4, scaled(1.4, 1.8)),
          efficientnet("efficientnet_b5", 0.4, scaled(1.6, 2.2, kNorm)),
          efficientnet("efficientnet_b6", 0.5, scaled(1.8, 2.6, kNorm)),
          efficientnet("efficientnet_b7", 0.5, scaled(2.0, 3.1, kNorm)),
          efficientnet("efficientnet_v2_s", 0.2,
                       version_2({{kFused, 1, 3, 1, 24, 24, 2},
                                  {kFused, 4, 3, 2, 24, 48, 4},
                                  {kFused, 4, 3, 2, 48, 64, 4},
                                  {kDivided, 4, 3, 2, 64, 128, 6},
                                  {kDivided, 6, 3, 1, 128, 160, 9},
                                  {kDivided, 6, 3, 2, 160, 256, 15}})),
          efficientnet("efficientnet_v2_m", 0.3,
                       version_2({{kFused, 1, 3, 1, 24, 24, 3},
                                  {kFused, 4, 3, 2, 24, 48, 5},
                                  {kFused, 4, 3, 2, 48, 80, 5},
                                  {kDivided, 4, 3, 2, 80, 160, 7},
                                  {kDivided, 6, 3, 1, 160, 176, 14},
                                  {kDivided, 6, 3, 2, 176, 304, 18},
                                  {kDivided, 6, 3, 1, 304, 512, 5}})),
          efficientnet("efficientnet_v2_l", 0.4,
                       version_2({{kFused, 1, 3, 1, 32, 32, 4},
                                  {kFused, 4, 3, 2, 32, 64, 7},
                                  {kFused, 4, 3, 2, 64, 96, 7},
                                  {kDivided, 4, 3, 2, 96, 192, 10},
                                  {kDivided, 6, 3, 1, 192, 224, 19},
                                  {kDivided, 6, 3, 2, 224, 384, 25},
                                  {kDivided, 6, 3, 1, 384, 640, 7}}))};
}

}  // namespace torchkeep
