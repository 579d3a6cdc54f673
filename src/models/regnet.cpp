// RegNet: widths and depths that follow one line (Radosavovic et al., 2020); Y has squeeze and
// excitation, X has not.
#include <algorithm>
#include <cmath>
#include <optional>

#include <torch/nn/init.h>

#include "models/blocks.h"
#include "models/families.h"
#include "models/initial_values.h"
#include "models/layers.h"

namespace torchkeep {

namespace regnet_detail {

constexpr std::int64_t kStem = 32;      // channels of the first convolution
constexpr double kSqueezeRatio = 0.25;  // of a block's inputs

struct Shape {
  std::int64_t depth;        // blocks
  std::int64_t first;        // width
  double slope;              // by which the width grows from block to block
  double step;               // the factor between widths
  std::int64_t group_width;  // channels of a group
  bool squeezes;
};

struct Stage {
  std::int64_t width;
  std::int64_t blocks;
  std::int64_t group_width;
};

// Widths on the line, rounded to a power of the step times the first, and to a multiple of 8. In
// single precision, as the published models were computed.
std::vector<std::int64_t> block_widths(const Shape& shape) {
  std::vector<std::int64_t> widths;
  const auto first = static_cast<float>(shape.first);
  for (std::int64_t i = 0; i < shape.depth; ++i) {
    const float width = static_cast<float>(i) * static_cast<float>(shape.slope) + first;
    const float power =
        std::nearbyint(std::log(width / first) / static_cast<float>(std::log(shape.step)));
    const float rounded = first * std::pow(static_cast<float>(shape.step), power);
    widths.push_back(static_cast<std::int64_t>(std::nearbyint(rounded / 8)) * 8);
  }
  return widths;
}

// Blocks of the same width are a stage. Its width is a multiple of that of a group.
std::vector<Stage> stages(const Shape& shape) {
  std::vector<Stage> stages;
  for (const std::int64_t width : block_widths(shape)) {
    if (stages.empty() || stages.back().width != width) stages.push_back({width, 0, 0});
    ++stages.back().blocks;
  }
  for (Stage& stage : stages) {
    stage.group_width = std::min(shape.group_width, stage.width);
    stage.width = make_divisible(static_cast<double>(stage.width), stage.group_width);
  }
  return stages;
}

bool projects(std::int64_t in_channels, const Stage& stage, std::int64_t stride) {
  return in_channels != stage.width || stride != 1;
}

// Python's class has an attribute instead of the child that it lacks.
Value block_attributes(bool projects) { return projects ? dict({}) : dict({{"proj", Value()}}); }

class BlockImpl : public PythonModule {
 public:
  BlockImpl(std::int64_t in_channels, const Stage& stage, std::int64_t stride, bool squeezes)
      : PythonModule("torchvision.models.regnet.ResBottleneckBlock",
                     block_attributes(projects(in_channels, stage, stride))) {
    const std::int64_t width = stage.width;
    constexpr auto kNone = ActivationKind::none;
    if (projects(in_channels, stage, stride)) {
      proj_ = register_module(
          "proj", conv_norm_activation(in_channels, width,
                                       {.kernel = 1, .stride = stride, .activation = kNone}));
    }
    Chain f("torchvision.models.regnet.BottleneckTransform");
    f->add("a", conv_norm_activation(in_channels, width, {.kernel = 1}));
    f->add("b", conv_norm_activation(width, width,
                                     {.stride = stride, .groups = width / stage.group_width}));
    if (squeezes) {
      const double squeezed = kSqueezeRatio * static_cast<double>(in_channels);
      f->add("se", SqueezeExcitation(width, static_cast<std::int64_t>(std::nearbyint(squeezed))));
    }
    f->add("c", conv_norm_activation(width, width, {.kernel = 1, .activation = kNone}));
    f_ = register_module("f", f);
    activation_ = register_module("activation", Activation(ActivationKind::relu));
  }

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor shortcut = proj_ ? proj_->forward(x) : x;
    return activation_->forward(shortcut + f_->forward(x));
  }

 private:
  Chain proj_{nullptr};
  Chain f_{nullptr};
  Activation activation_{nullptr};
};

class RegNet final : public Classifier {
 public:
  RegNet(std::string architecture, const Shape& shape, const ClassifierOptions& options)
      : Classifier(std::move(architecture)) {
    stem_ = register_module("stem", conv_norm_activation(options.in_channels, kStem, {.stride = 2},
                                                         "torchvision.models.regnet.SimpleStemIN"));
    Chain trunk;
    std::int64_t channels = kStem;
    std::string number = "1";
    for (const Stage& stage : stages(shape)) {
      Chain blocks("torchvision.models.regnet.AnyStage");
      for (std::int64_t i = 0; i < stage.blocks; ++i) {
        blocks->add("block" + number + "-" + std::to_string(i),
                    std::make_shared<BlockImpl>(channels, stage, i == 0 ? 2 : 1, shape.squeezes));
        channels = stage.width;
      }
      trunk->add("block" + number, blocks);
      ++number.front();
    }
    trunk_output_ = register_module("trunk_output", trunk);
    avgpool_ = register_module("avgpool", torch::nn::AdaptiveAvgPool2d(1));
    fc_ = register_module("fc", linear(channels, options.num_classes));
    initialise(*this, draw, draw_normal(0.01));
  }

  static constexpr std::string_view kPythonClass = "torchvision.models.regnet.RegNet";
  std::optional<ClassDescription> python_class() const override {
    return ClassDescription{std::string(kPythonClass), Dict()};
  }

  at::Tensor forward(const at::Tensor& x) override {
    const at::Tensor features = trunk_output_->forward(stem_->forward(x));
    return fc_->forward(avgpool_->forward(features).flatten(1));
  }

 private:
  // He's normal distribution as if there were no groups.
  static void draw(torch::nn::Conv2dImpl& layer) {
    const at::Tensor& weight = layer.weight;
    const auto fan_out = static_cast<double>(weight.size(2) * weight.size(3) * weight.size(0));
    torch::nn::init::normal_(weight, 0, std::sqrt(2.0 / fan_out));
  }

  Chain stem_{nullptr};
  Chain trunk_output_{nullptr};
  torch::nn::AdaptiveAvgPool2d avgpool_{nullptr};
  torch::nn::Linear fc_{nullptr};
};

Architecture regnet(std::string_view name, const Shape& shape) {
  return architecture<RegNet>(name, {}, "fc", shape);
}

}  // namespace regnet_detail

std::vector<Architecture> regnet_family() {
  using regnet_detail::regnet;
  return {regnet("regnet_y_400mf", {16, 48, 27.89, 2.09, 8, true}),
          regnet("regnet_y_800mf", {14, 56, 38.84, 2.4, 16, true}),
          regnet("regnet_y_1_6gf", {27, 48, 20.71, 2.65, 24, true}),
          regnet("regnet_y_3_2gf", {21, 80, 42.63, 2.66, 24, true}),
          regnet("regnet_y_8gf", {17, 192, 76.82, 2.19, 56, true}),
          regnet("regnet_y_16gf", {18, 200, 106.23, 2.48, 112, true}),
          regnet("regnet_y_32gf", {20, 232, 115.89, 2.53, 232, true}),
          regnet("regnet_y_128gf", {27, 456, 160.83, 2.52, 264, true}),
          regnet("regnet_x_400mf", {22, 24, 24.48, 2.54, 16, false}),
          regnet("regnet_x_800mf", {16, 56, 35.73, 2.28, 16, false}),
          regnet("regnet_x_1_6gf", {18, 80, 34.01, 2.25, 24, false}),
          regnet("regnet_x_3_2gf", {25, 88, 26.31, 2.25, 48, false}),
          regnet("regnet_x_8gf", {23, 80, 49.56, 2.88, 120, false}),
          regnet("regnet_x_16gf", {22, 216, 55.59, 2.1, 128, false}),
          regnet("regnet_x_32gf", {23, 320, 69.86, 2.0, 168, false})};
}

}  // namespace torchkeep
