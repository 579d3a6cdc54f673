// Inception, version 3: large convolutions divided into small and one-dimensional ones, with an
// auxiliary classifier (Szegedy et al., 2015).
#include <ATen/Functions.h>
#include <torch/nn/modules/dropout.h>

#include "models/basic_conv.h"
#include "models/blocks.h"
#include "models/families.h"
#include "models/initial_values.h"
#include "models/layers.h"

namespace torchkeep {

namespace inception_detail {

struct Conv {
  std::string name;
  std::int64_t out_channels;
  std::int64_t height = 1;  // of the kernel
  std::int64_t width = 1;
  std::int64_t stride = 1;  // 1: height and width of the image stay
};

// What is before the convolutions of a branch.
enum class Pool { none, average, half };

struct Branch {
  std::vector<Conv> convs;
  std::vector<Conv> ends = {};  // side by side behind the convs
  Pool pool = Pool::none;
};

struct Mixed {
  char letter;  // of Python's class
  std::vector<Branch> branches;
};

BasicConv basic_conv(const torch::nn::Conv2dOptions& options) {
  return BasicConv("torchvision.models.inception.BasicConv2d", options);
}

BasicConv basic_conv(std::int64_t in_channels, const Conv& conv) {
  torch::nn::Conv2dOptions options(in_channels, conv.out_channels, {conv.height, conv.width});
  if (conv.stride == 1) options.padding({conv.height / 2, conv.width / 2});
  return basic_conv(options.stride(conv.stride));
}

// Parallel branches, whose outputs are concatenated.
class MixedImpl : public PythonModule {
 public:
  MixedImpl(std::int64_t in_channels, const Mixed& mixed)
      : PythonModule(std::string("torchvision.models.inception.Inception") + mixed.letter) {
    for (const Branch& branch : mixed.branches) {
      Layers layers = {.pool = branch.pool};
      std::int64_t channels = in_channels;
      for (const Conv& conv : branch.convs) {
        layers.convs.push_back(register_module(conv.name, basic_conv(channels, conv)));
        channels = conv.out_channels;
      }
      for (const Conv& conv : branch.ends) {
        layers.ends.push_back(register_module(conv.name, basic_conv(channels, conv)));
      }
      branches_.push_back(std::move(layers));
    }
  }

  at::Tensor forward(const at::Tensor& x) {
    std::vector<at::Tensor> outputs;
    for (Layers& branch : branches_) outputs.push_back(branch.forward(x));
    return at::cat(outputs, 1);
  }

 private:
  struct Layers {
    Pool pool;
    std::vector<BasicConv> convs = {};
    std::vector<BasicConv> ends = {};

    at::Tensor forward(const at::Tensor& x) {
      at::Tensor y = x;
      if (pool == Pool::average) y = at::avg_pool2d(y, 3, 1, 1);
      if (pool == Pool::half) y = at::max_pool2d(y, 3, 2);
      for (BasicConv& conv : convs) y = conv->forward(y);
      if (ends.empty()) return y;
      std::vector<at::Tensor> outputs;
      for (BasicConv& conv : ends) outputs.push_back(conv->forward(y));
      return at::cat(outputs, 1);
    }
  };

  std::vector<Layers> branches_;
};

Branch pooled_branch(std::int64_t out_channels) {
  return {.convs = {{"branch_pool", out_channels}}, .pool = Pool::average};
}

Mixed block_a(std::int64_t pool_features) {
  return {'A',
          {{.convs = {{"branch1x1", 64}}},
           {.convs = {{"branch5x5_1", 48}, {"branch5x5_2", 64, 5, 5}}},
           {.convs = {{"branch3x3dbl_1", 64},
                      {"branch3x3dbl_2", 96, 3, 3},
                      {"branch3x3dbl_3", 96, 3, 3}}},
           pooled_branch(pool_features)}};
}

Mixed block_b() {
  return {'B',
          {{.convs = {{"branch3x3", 384, 3, 3, 2}}},
           {.convs = {{"branch3x3dbl_1", 64},
                      {"branch3x3dbl_2", 96, 3, 3},
                      {"branch3x3dbl_3", 96, 3, 3, 2}}},
           {.convs = {}, .pool = Pool::half}}};
}

Mixed block_c(std::int64_t width) {
  return {'C',
          {{.convs = {{"branch1x1", 192}}},
           {.convs = {{"branch7x7_1", width},
                      {"branch7x7_2", width, 1, 7},
                      {"branch7x7_3", 192, 7, 1}}},
           {.convs = {{"branch7x7dbl_1", width},
                      {"branch7x7dbl_2", width, 7, 1},
                      {"branch7x7dbl_3", width, 1, 7},
                      {"branch7x7dbl_4", width, 7, 1},
                      {"branch7x7dbl_5", 192, 1, 7}}},
           pooled_branch(192)}};
}

Mixed block_d() {
  return {'D',
          {{.convs = {{"branch3x3_1", 192}, {"branch3x3_2", 320, 3, 3, 2}}},
           {.convs = {{"branch7x7x3_1", 192},
                      {"branch7x7x3_2", 192, 1, 7},
                      {"branch7x7x3_3", 192, 7, 1},
                      {"branch7x7x3_4", 192, 3, 3, 2}}},
           {.convs = {}, .pool = Pool::half}}};
}

Mixed block_e() {
  return {'E',
          {{.convs = {{"branch1x1", 320}}},
           {.convs = {{"branch3x3_1", 384}},
            .ends = {{"branch3x3_2a", 384, 1, 3}, {"branch3x3_2b", 384, 3, 1}}},
           {.convs = {{"branch3x3dbl_1", 448}, {"branch3x3dbl_2", 384, 3, 3}},
            .ends = {{"branch3x3dbl_3a", 384, 1, 3}, {"branch3x3dbl_3b", 384, 3, 1}}},
           pooled_branch(192)}};
}

class AuxiliaryImpl : public PythonModule {
 public:
  AuxiliaryImpl(std::int64_t in_channels, std::int64_t num_classes)
      : PythonModule("torchvision.models.inception.InceptionAux") {
    conv0_ = register_module("conv0", basic_conv(in_channels, {"", 128}));
    conv1_ = register_module("conv1", basic_conv(torch::nn::Conv2dOptions(128, 768, 5)));
    fc_ = register_module("fc", linear(768, num_classes));
  }

  at::Tensor forward(const at::Tensor& x) {
    return fc_->forward(pooled(conv1_->forward(conv0_->forward(at::avg_pool2d(x, 5, 3)))));
  }

 private:
  BasicConv conv0_{nullptr};
  BasicConv conv1_{nullptr};
  torch::nn::Linear fc_{nullptr};
};

class InceptionV3 final : public Classifier {
 public:
  InceptionV3(std::string architecture, std::nullptr_t, const ClassifierOptions& options)
      : Classifier(std::move(architecture)), transforms_(*options.transform_input) {
    add_stem(options.in_channels);
    add_mixed(*to_auxiliary_, "Mixed_5b", 192, block_a(32));
    add_mixed(*to_auxiliary_, "Mixed_5c", 256, block_a(64));
    add_mixed(*to_auxiliary_, "Mixed_5d", 288, block_a(64));
    add_mixed(*to_auxiliary_, "Mixed_6a", 288, block_b());
    add_mixed(*to_auxiliary_, "Mixed_6b", 768, block_c(128));
    add_mixed(*to_auxiliary_, "Mixed_6c", 768, block_c(160));
    add_mixed(*to_auxiliary_, "Mixed_6d", 768, block_c(160));
    add_mixed(*to_auxiliary_, "Mixed_6e", 768, block_c(192));
    if (*options.aux_logits) {
      auxiliary_ =
          register_module("AuxLogits", std::make_shared<AuxiliaryImpl>(768, options.num_classes));
    }
    add_mixed(*to_head_, "Mixed_7a", 768, block_d());
    add_mixed(*to_head_, "Mixed_7b", 1280, block_e());
    add_mixed(*to_head_, "Mixed_7c", 2048, block_e());
    add_as_child(*this, *to_head_, "avgpool", torch::nn::AdaptiveAvgPool2d(1));
    add_as_child(*this, *to_head_, "dropout", torch::nn::Dropout(*options.dropout));
    fc_ = register_module("fc", linear(2048, options.num_classes));
    initialise(
        *this, [](torch::nn::Conv2dImpl& layer) { draw_truncated_normal(layer.weight, 0.1); },
        [this](torch::nn::LinearImpl& layer) {
          draw_truncated_normal(layer.weight, &layer == fc_.get() ? 0.1 : 0.001);
        });
  }

  static constexpr std::string_view kPythonClass = "torchvision.models.inception.Inception3";
  std::optional<ClassDescription> python_class() const override {
    return ClassDescription{std::string(kPythonClass), attributes()};
  }

  at::Tensor forward(const at::Tensor& x) override {
    return head(to_auxiliary_->forward(transformed(x)));
  }

  std::vector<at::Tensor> forward_with_auxiliary(const at::Tensor& x) override {
    if (!auxiliary_ || !is_training()) return {forward(x)};
    const at::Tensor features = to_auxiliary_->forward(transformed(x));
    const at::Tensor auxiliary = auxiliary_->forward(features);
    return {head(features), auxiliary};
  }

 private:
  void add_stem(std::int64_t in_channels) {
    const auto add = [this](const std::string& name, const auto& layer) {
      add_as_child(*this, *to_auxiliary_, name, layer);
    };
    const auto max_pool = [] {
      return torch::nn::MaxPool2d(torch::nn::MaxPool2dOptions(3).stride(2));
    };
    using Options = torch::nn::Conv2dOptions;
    add("Conv2d_1a_3x3", basic_conv(Options(in_channels, 32, 3).stride(2)));
    add("Conv2d_2a_3x3", basic_conv(Options(32, 32, 3)));
    add("Conv2d_2b_3x3", basic_conv(Options(32, 64, 3).padding(1)));
    add("maxpool1", max_pool());
    add("Conv2d_3b_1x1", basic_conv(Options(64, 80, 1)));
    add("Conv2d_4a_3x3", basic_conv(Options(80, 192, 3)));
    add("maxpool2", max_pool());
  }

  void add_mixed(ChainImpl& chain,
                 const std::string& name,
                 std::int64_t in_channels,
                 const Mixed& mixed) {
    add_as_child(*this, chain, name, std::make_shared<MixedImpl>(in_channels, mixed));
  }

  Dict attributes() const {
    Dict attributes;
    attributes.set("aux_logits", auxiliary_ != nullptr);
    attributes.set("transform_input", transforms_);
    if (!auxiliary_) {
      attributes.set("AuxLogits", Value());
    }
    return attributes;
  }

  at::Tensor transformed(const at::Tensor& x) const {
    return transforms_ ? from_imagenet_normalisation(x) : x;
  }

  at::Tensor head(const at::Tensor& x) { return fc_->forward(to_head_->forward(x).flatten(1)); }

  bool transforms_;
  Chain to_auxiliary_;  // these two hold children of this module
  Chain to_head_;
  std::shared_ptr<AuxiliaryImpl> auxiliary_;
  torch::nn::Linear fc_{nullptr};
};

}  // namespace inception_detail

std::vector<Architecture> inception_family() {
  Architecture row = architecture<inception_detail::InceptionV3>(
      "inception_v3", {.dropout = 0.5, .aux_logits = true, .transform_input = false}, "fc",
      nullptr);
  row.heads = {"fc", "AuxLogits.fc"};
  row.auxiliary = {"AuxLogits."};
  row.defaults_with_weights.transform_input = true;
  return {row};
}

}  // namespace torchkeep
