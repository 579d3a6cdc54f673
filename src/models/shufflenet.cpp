// ShuffleNet, version 2: half of the channels pass each block untouched (Ma et al., 2018).
#include <array>

#include <ATen/Functions.h>

#include "models/blocks.h"
#include "models/families.h"
#include "models/layers.h"

namespace torchkeep {

namespace shufflenet_detail {

constexpr std::array<std::int64_t, 3> kBlocks = {4, 8, 4};
constexpr std::int64_t kFirst = 24;  // channels of the first convolution

struct Shape {
  std::array<std::int64_t, 3> channels;  // of the stages
  std::int64_t last;                     // of the last convolution
};

// Mixes the channels of the two halves.
at::Tensor shuffled(const at::Tensor& x) {
  const std::int64_t n = x.size(0), channels = x.size(1), height = x.size(2), width = x.size(3);
  return x.view({n, 2, channels / 2, height, width})
      .transpose(1, 2)
      .contiguous()
      .view({n, -1, height, width});
}

// As torchvision has it, a Sequential without a class of its own.
Chain plain_conv_norm_activation(std::int64_t in_channels,
                                 std::int64_t out_channels,
                                 const ConvNormOptions& options) {
  Chain chain;
  add_conv_norm_activation(*chain, in_channels, out_channels, options);
  return chain;
}

class BlockImpl : public PythonModule {
 public:
  BlockImpl(std::int64_t in_channels, std::int64_t out_channels, std::int64_t stride)
      : PythonModule("torchvision.models.shufflenetv2.InvertedResidual",
                     dict({{"stride", stride}})),
        splits_(stride == 1) {
    constexpr auto kNone = ActivationKind::none;
    const std::int64_t half = out_channels / 2;
    Chain branch1;
    if (!splits_) {
      add_conv_norm_activation(*branch1, in_channels, in_channels,
                               {.stride = stride, .groups = in_channels, .activation = kNone});
      add_conv_norm_activation(*branch1, in_channels, half, {.kernel = 1});
    }
    branch1_ = register_module("branch1", branch1);
    Chain branch2;
    add_conv_norm_activation(*branch2, splits_ ? half : in_channels, half, {.kernel = 1});
    add_conv_norm_activation(*branch2, half, half,
                             {.stride = stride, .groups = half, .activation = kNone});
    add_conv_norm_activation(*branch2, half, half, {.kernel = 1});
    branch2_ = register_module("branch2", branch2);
  }

  at::Tensor forward(const at::Tensor& x) {
    if (!splits_) return shuffled(at::cat({branch1_->forward(x), branch2_->forward(x)}, 1));
    const std::vector<at::Tensor> halves = x.chunk(2, 1);
    return shuffled(at::cat({halves[0], branch2_->forward(halves[1])}, 1));
  }

 private:
  bool splits_;
  Chain branch1_{nullptr};
  Chain branch2_{nullptr};
};

class ShuffleNet final : public Classifier {
 public:
  ShuffleNet(std::string architecture, const Shape& shape, const ClassifierOptions& options)
      : Classifier(std::move(architecture)), shape_(shape) {
    const auto add = [this](const std::string& name, const auto& layer) {
      add_as_child(*this, *features_, name, layer);
    };
    add("conv1", plain_conv_norm_activation(options.in_channels, kFirst, {.stride = 2}));
    add("maxpool", torch::nn::MaxPool2d(torch::nn::MaxPool2dOptions(3).stride(2).padding(1)));
    std::int64_t channels = kFirst;
    for (std::size_t i = 0; i < kBlocks.size(); ++i) {
      Chain stage;
      for (std::int64_t block = 0; block < kBlocks[i]; ++block) {
        stage->add(std::make_shared<BlockImpl>(channels, shape.channels[i], block == 0 ? 2 : 1));
        channels = shape.channels[i];
      }
      add("stage" + std::to_string(i + 2), stage);
    }
    add("conv5", plain_conv_norm_activation(channels, shape.last, {.kernel = 1}));
    fc_ = register_module("fc", linear(shape.last, options.num_classes));
  }

  static constexpr std::string_view kPythonClass = "torchvision.models.shufflenetv2.ShuffleNetV2";
  std::optional<ClassDescription> python_class() const override {
    return ClassDescription{std::string(kPythonClass), attributes()};
  }

  at::Tensor forward(const at::Tensor& x) override {
    return fc_->forward(features_->forward(x).mean({2, 3}));
  }

 private:
  Dict attributes() const {
    List channels = {kFirst};
    channels.insert(channels.end(), shape_.channels.begin(), shape_.channels.end());
    channels.emplace_back(shape_.last);
    return dict({{"_stage_out_channels", std::move(channels)}}).as_dict();
  }

  Shape shape_;
  Chain features_;  // no child: its layers are
  torch::nn::Linear fc_{nullptr};
};

}  // namespace shufflenet_detail

std::vector<Architecture> shufflenet_family() {
  using shufflenet_detail::Shape;
  using shufflenet_detail::ShuffleNet;
  return {architecture<ShuffleNet>("shufflenet_v2_x0_5", {}, "fc", Shape{{48, 96, 192}, 1024}),
          architecture<ShuffleNet>("shufflenet_v2_x1_0", {}, "fc", Shape{{116, 232, 464}, 1024}),
          architecture<ShuffleNet>("shufflenet_v2_x1_5", {}, "fc", Shape{{176, 352, 704}, 1024}),
          architecture<ShuffleNet>("shufflenet_v2_x2_0", {}, "fc", Shape{{244, 488, 976}, 2048})};
}

}  // namespace torchkeep
