// DenseNet: each layer sees what all layers before it put out (Huang et al., 2017).
#include <array>
#include <regex>

#include <ATen/Functions.h>
#include <torch/nn/init.h>

#include "models/blocks.h"
#include "models/families.h"
#include "models/initial_values.h"
#include "models/layers.h"

namespace torchkeep {

namespace densenet_detail {

constexpr std::int64_t kBottleneck = 4;  // times the growth

struct Shape {
  std::int64_t growth;                 // channels that each layer adds
  std::array<std::int64_t, 4> layers;  // in each block
  std::int64_t width;                  // of the first convolution
};

torch::nn::Conv2dOptions plain_convolution(std::int64_t in_channels,
                                           std::int64_t out_channels,
                                           std::int64_t kernel) {
  return torch::nn::Conv2dOptions(in_channels, out_channels, kernel)
      .padding(kernel / 2)
      .bias(false);
}

class DenseLayerImpl : public PythonModule {
 public:
  DenseLayerImpl(std::int64_t in_channels, std::int64_t growth, double dropout)
      : PythonModule("torchvision.models.densenet._DenseLayer",
                     dict({{"drop_rate", dropout}, {"memory_efficient", false}})),
        dropout_(dropout) {
    const std::int64_t width = kBottleneck * growth;
    const auto add = [this](const std::string& name, const auto& layer) {
      add_as_child(*this, *layers_, name, layer);
    };
    add("norm1", batch_norm(in_channels));
    add("relu1", Activation(ActivationKind::relu));
    add("conv1", conv2d(plain_convolution(in_channels, width, 1)));
    add("norm2", batch_norm(width));
    add("relu2", Activation(ActivationKind::relu));
    add("conv2", conv2d(plain_convolution(width, growth, 3)));
  }

  at::Tensor forward(const std::vector<at::Tensor>& before) {
    const at::Tensor y = layers_->forward(at::cat(before, 1));
    return dropout_ > 0.0 ? at::dropout(y, dropout_, is_training()) : y;
  }

 private:
  double dropout_;
  Chain layers_;  // no child: its layers are
};

class DenseBlockImpl : public PythonModule {
 public:
  DenseBlockImpl(std::int64_t layers, std::int64_t in_channels, std::int64_t growth, double dropout)
      : PythonModule("torchvision.models.densenet._DenseBlock") {
    for (std::int64_t i = 0; i < layers; ++i) {
      layers_.push_back(register_module(
          "denselayer" + std::to_string(i + 1),
          std::make_shared<DenseLayerImpl>(in_channels + i * growth, growth, dropout)));
    }
  }

  at::Tensor forward(const at::Tensor& x) {
    std::vector<at::Tensor> features = {x};
    for (const auto& layer : layers_) features.push_back(layer->forward(features));
    return at::cat(features, 1);
  }

 private:
  std::vector<std::shared_ptr<DenseLayerImpl>> layers_;
};

Chain transition(std::int64_t in_channels, std::int64_t out_channels) {
  Chain chain("torchvision.models.densenet._Transition");
  chain->add("norm", batch_norm(in_channels));
  chain->add("relu", Activation(ActivationKind::relu));
  chain->add("conv", conv2d(plain_convolution(in_channels, out_channels, 1)));
  chain->add("pool", torch::nn::AvgPool2d(torch::nn::AvgPool2dOptions(2).stride(2)));
  return chain;
}

class DenseNet final : public Classifier {
 public:
  DenseNet(std::string architecture, const Shape& shape, const ClassifierOptions& options)
      : Classifier(std::move(architecture)) {
    Chain features;
    features->add("conv0",
                  conv2d(plain_convolution(options.in_channels, shape.width, 7).stride(2)));
    features->add("norm0", batch_norm(shape.width));
    features->add("relu0", Activation(ActivationKind::relu));
    features->add("pool0",
                  torch::nn::MaxPool2d(torch::nn::MaxPool2dOptions(3).stride(2).padding(1)));
    std::int64_t channels = shape.width;
    for (std::size_t i = 0; i < shape.layers.size(); ++i) {
      const std::string number = std::to_string(i + 1);
      features->add("denseblock" + number,
                    std::make_shared<DenseBlockImpl>(shape.layers[i], channels, shape.growth,
                                                     *options.dropout));
      channels += shape.layers[i] * shape.growth;
      if (i + 1 == shape.layers.size()) break;
      features->add("transition" + number, transition(channels, channels / 2));
      channels /= 2;
    }
    features->add("norm5", batch_norm(channels));
    features_ = register_module("features", features);
    classifier_ = register_module("classifier", linear(channels, options.num_classes));
    initialise(
        *this, [](torch::nn::Conv2dImpl& layer) { torch::nn::init::kaiming_normal_(layer.weight); },
        [](torch::nn::LinearImpl& layer) { zero(layer.bias); });
  }

  static constexpr std::string_view kPythonClass = "torchvision.models.densenet.DenseNet";
  std::optional<ClassDescription> python_class() const override {
    return ClassDescription{std::string(kPythonClass), Dict()};
  }

  at::Tensor forward(const at::Tensor& x) override {
    return classifier_->forward(pooled(features_->forward(x).relu_()));
  }

 private:
  Chain features_{nullptr};
  torch::nn::Linear classifier_{nullptr};
};

// Before 2018 a layer had norm.1 where it has norm1 now.
std::string renamed(const std::string& name) {
  static const std::regex old(
      R"((.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.(?:weight|bias|running_mean|running_var)))");
  std::smatch parts;
  return std::regex_match(name, parts, old) ? parts.str(1) + parts.str(2) : name;
}

Architecture densenet(std::string_view name, const Shape& shape) {
  Architecture row = architecture<DenseNet>(name, {.dropout = 0.0}, "classifier", shape);
  row.renamed = renamed;
  return row;
}

}  // namespace densenet_detail

std::vector<Architecture> densenet_family() {
  using densenet_detail::densenet;
  return {densenet("densenet121", {32, {6, 12, 24, 16}, 64}),
          densenet("densenet161", {48, {6, 12, 36, 24}, 96}),
          densenet("densenet169", {32, {6, 12, 32, 32}, 64}),
          densenet("densenet201", {32, {6, 12, 48, 32}, 64})};
}

}  // namespace torchkeep
