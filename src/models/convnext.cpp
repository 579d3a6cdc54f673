// ConvNeXt: a convolutional network built like a transformer (Liu et al., 2022).
#include <array>

#include <ATen/Functions.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/normalization.h>

#include "models/blocks.h"
#include "models/families.h"
#include "models/initial_values.h"
#include "models/layers.h"

namespace torchkeep {

namespace convnext_detail {

constexpr double kLayerScale = 1e-6;
constexpr double kEps = 1e-6;

struct Shape {
  std::array<std::int64_t, 4> channels;  // of the stages
  std::array<std::int64_t, 4> blocks;
};

// Normalises the channels of each pixel.
class LayerNorm2dImpl : public PythonModule {
 public:
  explicit LayerNorm2dImpl(std::int64_t channels)
      : PythonModule("torchvision.models.convnext.LayerNorm2d",
                     dict({{"normalized_shape", tuple({channels})},
                           {"eps", kEps},
                           {"elementwise_affine", true}})) {
    weight_ = register_parameter("weight", at::ones({channels}));
    bias_ = register_parameter("bias", at::zeros({channels}));
  }

  at::Tensor forward(const at::Tensor& x) const {
    const at::Tensor last = x.permute({0, 2, 3, 1});
    return at::layer_norm(last, weight_.sizes(), weight_, bias_, kEps).permute({0, 3, 1, 2});
  }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

class PermuteImpl : public PythonModule {
 public:
  explicit PermuteImpl(std::array<std::int64_t, 4> dimensions)
      : PythonModule("torchvision.ops.misc.Permute",
                     dict({{"dims", List(dimensions.begin(), dimensions.end())}})),
        dimensions_(dimensions) {}
  at::Tensor forward(const at::Tensor& x) const { return x.permute(dimensions_); }

 private:
  std::array<std::int64_t, 4> dimensions_;
};

class BlockImpl : public PythonModule {
 public:
  BlockImpl(std::int64_t channels, double drop_probability)
      : PythonModule("torchvision.models.convnext.CNBlock") {
    using Dimensions = std::array<std::int64_t, 4>;
    layer_scale_ = register_parameter("layer_scale", at::ones({channels, 1, 1}) * kLayerScale);
    Chain block;
    block->add(conv2d(torch::nn::Conv2dOptions(channels, channels, 7).padding(3).groups(channels)));
    block->add(std::make_shared<PermuteImpl>(Dimensions{0, 2, 3, 1}));
    block->add(torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels}).eps(kEps)));
    block->add(linear(channels, 4 * channels));
    block->add(torch::nn::GELU());
    block->add(linear(4 * channels, channels));
    block->add(std::make_shared<PermuteImpl>(Dimensions{0, 3, 1, 2}));
    block_ = register_module("block", block);
    stochastic_depth_ = register_module("stochastic_depth", StochasticDepth(drop_probability));
  }

  at::Tensor forward(const at::Tensor& x) {
    return stochastic_depth_->forward(layer_scale_ * block_->forward(x)).add_(x);
  }

 private:
  at::Tensor layer_scale_;
  Chain block_{nullptr};
  StochasticDepth stochastic_depth_{nullptr};
};

class ConvNext final : public Classifier {
 public:
  ConvNext(std::string architecture, const Shape& shape, const ClassifierOptions& options)
      : Classifier(std::move(architecture)) {
    Chain stem(kPythonConvNorm, dict({{"out_channels", shape.channels.front()}}));
    stem->add(
        conv2d(torch::nn::Conv2dOptions(options.in_channels, shape.channels.front(), 4).stride(4)));
    stem->add(std::make_shared<LayerNorm2dImpl>(shape.channels.front()));
    Chain features;
    features->add(stem);
    add_stages(*features, shape, *options.stochastic_depth_prob);
    features_ = register_module("features", features);
    avgpool_ = register_module("avgpool", torch::nn::AdaptiveAvgPool2d(1));
    Chain classifier;
    classifier->add(std::make_shared<LayerNorm2dImpl>(shape.channels.back()));
    classifier->add(torch::nn::Flatten());
    classifier->add(linear(shape.channels.back(), options.num_classes));
    classifier_ = register_module("classifier", classifier);
    const auto draw = [](auto& layer) {
      draw_truncated_normal(layer.weight, 0.02);
      zero(layer.bias);
    };
    initialise(*this, draw, draw);
  }

  static constexpr std::string_view kPythonClass = "torchvision.models.convnext.ConvNeXt";
  std::optional<ClassDescription> python_class() const override {
    return ClassDescription{std::string(kPythonClass), Dict()};
  }

  at::Tensor forward(const at::Tensor& x) override {
    return classifier_->forward(avgpool_->forward(features_->forward(x)));
  }

 private:
  // The later a block, the more often it is dropped.
  static void add_stages(ChainImpl& features, const Shape& shape, double drop_probability) {
    std::int64_t blocks = 0;
    for (const std::int64_t count : shape.blocks) blocks += count;
    std::int64_t place = 0;
    for (std::size_t i = 0; i < shape.blocks.size(); ++i) {
      const std::int64_t channels = shape.channels[i];
      Chain stage;
      for (std::int64_t block = 0; block < shape.blocks[i]; ++block) {
        const double drop =
            drop_probability * static_cast<double>(place++) / (static_cast<double>(blocks) - 1.0);
        stage->add(std::make_shared<BlockImpl>(channels, drop));
      }
      features.add(stage);
      if (i + 1 == shape.blocks.size()) break;
      Chain smaller;
      smaller->add(std::make_shared<LayerNorm2dImpl>(channels));
      smaller->add(conv2d(torch::nn::Conv2dOptions(channels, shape.channels[i + 1], 2).stride(2)));
      features.add(smaller);
    }
  }

  Chain features_{nullptr};
  torch::nn::AdaptiveAvgPool2d avgpool_{nullptr};
  Chain classifier_{nullptr};
};

Architecture convnext(std::string_view name, double drop_probability, const Shape& shape) {
  return architecture<ConvNext>(name, {.stochastic_depth_prob = drop_probability}, "classifier.2",
                                shape);
}

}  // namespace convnext_detail

std::vector<Architecture> convnext_family() {
  using convnext_detail::convnext;
  return {convnext("convnext_tiny", 0.1, {{96, 192, 384, 768}, {3, 3, 9, 3}}),
          convnext("convnext_small", 0.4, {{96, 192, 384, 768}, {3, 3, 27, 3}}),
          convnext("convnext_base", 0.5, {{128, 256, 512, 1024}, {3, 3, 27, 3}}),
          convnext("convnext_large", 0.5, {{192, 384, 768, 1536}, {3, 3, 27, 3}})};
}

}  // namespace torchkeep
