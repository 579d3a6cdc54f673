// MNASNet B1: found by a search for accuracy and speed on a phone (Tan et al., 2019).
#include <array>

#include <torch/nn/init.h>
#include <torch/nn/modules/dropout.h>

#include "models/blocks.h"
#include "models/families.h"
#include "models/initial_values.h"
#include "models/layers.h"
#include "nn/module_walk.h"

namespace torchkeep {

namespace mnasnet_detail {

constexpr NormOptions kNorm = {.momentum = 1 - 0.9997};
constexpr auto kNone = ActivationKind::none;
constexpr std::int64_t kLast = 1280;

struct Stack {
  std::int64_t channels;
  std::int64_t kernel;
  std::int64_t stride;  // of the first block
  std::int64_t expansion;
  std::int64_t blocks;
};
constexpr std::array<Stack, 6> kStacks = {{{24, 3, 2, 3, 3},
                                           {40, 5, 2, 3, 3},
                                           {80, 5, 2, 6, 3},
                                           {96, 3, 1, 6, 2},
                                           {192, 5, 2, 6, 4},
                                           {320, 3, 1, 6, 1}}};

class ResidualImpl : public PythonModule {
 public:
  ResidualImpl(std::int64_t in_channels,
               std::int64_t out_channels,
               const Stack& stack,
               std::int64_t stride)
      : PythonModule("torchvision.models.mnasnet._InvertedResidual",
                     dict({{"apply_residual", in_channels == out_channels && stride == 1}})),
        is_residual_(in_channels == out_channels && stride == 1) {
    const std::int64_t hidden = in_channels * stack.expansion;
    Chain layers;
    add_conv_norm_activation(*layers, in_channels, hidden, {.kernel = 1, .norm = kNorm});
    add_conv_norm_activation(
        *layers, hidden, hidden,
        {.kernel = stack.kernel, .stride = stride, .groups = hidden, .norm = kNorm});
    add_conv_norm_activation(*layers, hidden, out_channels,
                             {.kernel = 1, .activation = kNone, .norm = kNorm});
    layers_ = register_module("layers", layers);
  }

  at::Tensor forward(const at::Tensor& x) {
    return is_residual_ ? layers_->forward(x) + x : layers_->forward(x);
  }

 private:
  bool is_residual_;
  Chain layers_{nullptr};
};

// In version 1 of its state dicts the first layers had the same width in all members of the family.
class MnasNet final : public Classifier, public HasStateDictVersion {
 public:
  MnasNet(std::string architecture, double alpha, const ClassifierOptions& options)
      : Classifier(std::move(architecture)), alpha_(alpha) {
    const auto width = [alpha](std::int64_t channels) {
      return make_divisible(static_cast<double>(channels) * alpha);
    };
    Chain layers;
    add_conv_norm_activation(*layers, options.in_channels, width(32), {.stride = 2, .norm = kNorm});
    add_conv_norm_activation(*layers, width(32), width(32), {.groups = width(32), .norm = kNorm});
    add_conv_norm_activation(*layers, width(32), width(16),
                             {.kernel = 1, .activation = kNone, .norm = kNorm});
    std::int64_t channels = width(16);
    for (const Stack& stack : kStacks) {
      Chain blocks;
      for (std::int64_t i = 0; i < stack.blocks; ++i) {
        blocks->add(std::make_shared<ResidualImpl>(channels, width(stack.channels), stack,
                                                   i == 0 ? stack.stride : 1));
        channels = width(stack.channels);
      }
      layers->add(blocks);
    }
    add_conv_norm_activation(*layers, channels, kLast, {.kernel = 1, .norm = kNorm});
    layers_ = register_module("layers", layers);
    Chain classifier;
    classifier->add(torch::nn::Dropout(torch::nn::DropoutOptions(*options.dropout).inplace(true)));
    classifier->add(linear(kLast, options.num_classes));
    classifier_ = register_module("classifier", classifier);
    initialise(*this, draw_kaiming_fan_out, [](torch::nn::LinearImpl& layer) {
      torch::nn::init::kaiming_uniform_(layer.weight, 0, torch::kFanOut, torch::kSigmoid);
      zero(layer.bias);
    });
  }

  std::int64_t state_dict_version() const override { return 2; }

  static constexpr std::string_view kPythonClass = "torchvision.models.mnasnet.MNASNet";
  std::optional<ClassDescription> python_class() const override {
    return ClassDescription{
        std::string(kPythonClass),
        dict({{"alpha", alpha_}, {"num_classes", options().num_classes}}).as_dict()};
  }

  at::Tensor forward(const at::Tensor& x) override {
    return classifier_->forward(layers_->forward(x).mean({2, 3}));
  }

 private:
  double alpha_;
  Chain layers_{nullptr};
  Chain classifier_{nullptr};
};

Architecture mnasnet(std::string_view name, double alpha) {
  return architecture<MnasNet>(name, {.dropout = 0.2}, "classifier.1", alpha);
}

}  // namespace mnasnet_detail

std::vector<Architecture> mnasnet_family() {
  using mnasnet_detail::mnasnet;
  return {mnasnet("mnasnet0_5", 0.5), mnasnet("mnasnet0_75", 0.75), mnasnet("mnasnet1_0", 1.0),
          mnasnet("mnasnet1_3", 1.3)};
}

}  // namespace torchkeep
