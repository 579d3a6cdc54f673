// GoogLeNet: blocks of parallel convolutions, and two auxiliary classifiers that help to train the
// lower layers (Szegedy et al., 2014). As in torchvision, the "5x5" branches are 3x3.
#include <ATen/Functions.h>
#include <torch/nn/modules/dropout.h>

#include "models/basic_conv.h"
#include "models/blocks.h"
#include "models/families.h"
#include "models/initial_values.h"
#include "models/layers.h"

namespace torchkeep {

namespace googlenet_detail {

constexpr double kDropoutOfAuxiliary = 0.7;

BasicConv basic_conv(std::int64_t in_channels,
                     std::int64_t out_channels,
                     std::int64_t kernel,
                     std::int64_t stride = 1) {
  return BasicConv("torchvision.models.googlenet.BasicConv2d",
                   torch::nn::Conv2dOptions(in_channels, out_channels, kernel)
                       .stride(stride)
                       .padding(kernel / 2));
}

torch::nn::MaxPool2d max_pool(std::int64_t kernel, std::int64_t stride, std::int64_t padding = 0) {
  return torch::nn::MaxPool2d(
      torch::nn::MaxPool2dOptions(kernel).stride(stride).padding(padding).ceil_mode(true));
}

struct Widths {
  std::int64_t in_channels, branch1, reduced2, branch2, reduced3, branch3, branch4;
};

class InceptionImpl : public PythonModule {
 public:
  explicit InceptionImpl(const Widths& widths)
      : PythonModule("torchvision.models.googlenet.Inception") {
    const std::int64_t in_channels = widths.in_channels;
    branch1_ = register_module("branch1", basic_conv(in_channels, widths.branch1, 1));
    branch2_ =
        register_module("branch2", two_convolutions(in_channels, widths.reduced2, widths.branch2));
    branch3_ =
        register_module("branch3", two_convolutions(in_channels, widths.reduced3, widths.branch3));
    Chain branch4;
    branch4->add(max_pool(3, 1, 1));
    branch4->add(basic_conv(in_channels, widths.branch4, 1));
    branch4_ = register_module("branch4", branch4);
  }

  at::Tensor forward(const at::Tensor& x) {
    return at::cat(
        {branch1_->forward(x), branch2_->forward(x), branch3_->forward(x), branch4_->forward(x)},
        1);
  }

 private:
  static Chain two_convolutions(std::int64_t in_channels, std::int64_t reduced, std::int64_t out) {
    Chain branch;
    branch->add(basic_conv(in_channels, reduced, 1));
    branch->add(basic_conv(reduced, out, 3));
    return branch;
  }

  BasicConv branch1_{nullptr};
  Chain branch2_{nullptr};
  Chain branch3_{nullptr};
  Chain branch4_{nullptr};
};

class AuxiliaryImpl : public PythonModule {
 public:
  AuxiliaryImpl(std::int64_t in_channels, std::int64_t num_classes)
      : PythonModule("torchvision.models.googlenet.InceptionAux") {
    conv_ = register_module("conv", basic_conv(in_channels, 128, 1));
    fc1_ = register_module("fc1", linear(128 * 4 * 4, 1024));
    fc2_ = register_module("fc2", linear(1024, num_classes));
    dropout_ = register_module("dropout", torch::nn::Dropout(kDropoutOfAuxiliary));
  }

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor features = conv_->forward(at::adaptive_avg_pool2d(x, {4, 4})).flatten(1);
    return fc2_->forward(dropout_->forward(fc1_->forward(features).relu_()));
  }

 private:
  BasicConv conv_{nullptr};
  torch::nn::Linear fc1_{nullptr};
  torch::nn::Linear fc2_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
};

class GoogLeNet final : public Classifier {
 public:
  GoogLeNet(std::string architecture, std::nullptr_t, const ClassifierOptions& options)
      : Classifier(std::move(architecture)), transforms_(*options.transform_input) {
    add_lower_layers(options.in_channels);
    const auto inception = [&](Chain& chain, std::string name, const Widths& widths) {
      add_as_child(*this, *chain, std::move(name), std::make_shared<InceptionImpl>(widths));
    };
    inception(to_aux1_, "inception4a", {480, 192, 96, 208, 16, 48, 64});
    inception(to_aux2_, "inception4b", {512, 160, 112, 224, 24, 64, 64});
    inception(to_aux2_, "inception4c", {512, 128, 128, 256, 24, 64, 64});
    inception(to_aux2_, "inception4d", {512, 112, 144, 288, 32, 64, 64});
    inception(to_head_, "inception4e", {528, 256, 160, 320, 32, 128, 128});
    add_as_child(*this, *to_head_, "maxpool4", max_pool(2, 2));
    inception(to_head_, "inception5a", {832, 256, 160, 320, 32, 128, 128});
    inception(to_head_, "inception5b", {832, 384, 192, 384, 48, 128, 128});
    if (*options.aux_logits) {
      aux1_ = register_module("aux1", std::make_shared<AuxiliaryImpl>(512, options.num_classes));
      aux2_ = register_module("aux2", std::make_shared<AuxiliaryImpl>(528, options.num_classes));
    }
    add_as_child(*this, *to_head_, "avgpool", torch::nn::AdaptiveAvgPool2d(1));
    dropout_ = register_module("dropout", torch::nn::Dropout(*options.dropout));
    fc_ = register_module("fc", linear(1024, options.num_classes));
    const auto draw = [](auto& layer) { draw_truncated_normal(layer.weight, 0.01); };
    initialise(*this, draw, draw);
  }

  static constexpr std::string_view kPythonClass = "torchvision.models.googlenet.GoogLeNet";
  std::optional<ClassDescription> python_class() const override {
    return ClassDescription{std::string(kPythonClass), attributes()};
  }

  at::Tensor forward(const at::Tensor& x) override {
    return head(to_aux2_->forward(to_aux1_->forward(transformed(x))));
  }

  std::vector<at::Tensor> forward_with_auxiliary(const at::Tensor& x) override {
    if (!aux1_ || !is_training()) return {forward(x)};
    const at::Tensor first = to_aux1_->forward(transformed(x));
    const at::Tensor aux1 = aux1_->forward(first);
    const at::Tensor second = to_aux2_->forward(first);
    const at::Tensor aux2 = aux2_->forward(second);
    return {head(second), aux1, aux2};
  }

 private:
  void add_lower_layers(std::int64_t in_channels) {
    add_as_child(*this, *to_aux1_, "conv1", basic_conv(in_channels, 64, 7, 2));
    add_as_child(*this, *to_aux1_, "maxpool1", max_pool(3, 2));
    add_as_child(*this, *to_aux1_, "conv2", basic_conv(64, 64, 1));
    add_as_child(*this, *to_aux1_, "conv3", basic_conv(64, 192, 3));
    add_as_child(*this, *to_aux1_, "maxpool2", max_pool(3, 2));
    const Widths inception3a = {192, 64, 96, 128, 16, 32, 32};
    const Widths inception3b = {256, 128, 128, 192, 32, 96, 64};
    add_as_child(*this, *to_aux1_, "inception3a", std::make_shared<InceptionImpl>(inception3a));
    add_as_child(*this, *to_aux1_, "inception3b", std::make_shared<InceptionImpl>(inception3b));
    add_as_child(*this, *to_aux1_, "maxpool3", max_pool(3, 2));
  }

  Dict attributes() const {
    Dict attributes;
    attributes.set("aux_logits", aux1_ != nullptr);
    attributes.set("transform_input", transforms_);
    if (!aux1_) {
      attributes.set("aux1", Value());
      attributes.set("aux2", Value());
    }
    return attributes;
  }

  at::Tensor transformed(const at::Tensor& x) const {
    return transforms_ ? from_imagenet_normalisation(x) : x;
  }

  at::Tensor head(const at::Tensor& x) {
    return fc_->forward(dropout_->forward(to_head_->forward(x).flatten(1)));
  }

  bool transforms_;
  Chain to_aux1_;  // these three hold children of this module
  Chain to_aux2_;
  Chain to_head_;
  std::shared_ptr<AuxiliaryImpl> aux1_;
  std::shared_ptr<AuxiliaryImpl> aux2_;
  torch::nn::Dropout dropout_{nullptr};
  torch::nn::Linear fc_{nullptr};
};

}  // namespace googlenet_detail

std::vector<Architecture> googlenet_family() {
  Architecture row = architecture<googlenet_detail::GoogLeNet>(
      "googlenet", {.dropout = 0.2, .aux_logits = true, .transform_input = false}, "fc", nullptr);
  row.heads = {"fc", "aux1.fc2", "aux2.fc2"};
  row.auxiliary = {"aux1.", "aux2."};
  // The auxiliary classifiers in the published file are not trained.
  row.defaults_with_weights.aux_logits = false;
  row.defaults_with_weights.transform_input = true;
  return {row};
}

}  // namespace torchkeep
