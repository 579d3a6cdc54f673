// ResNet: blocks of convolutions whose input is added to their output (He et al., 2015); with
// groups ResNeXt (Xie et al., 2016), with more channels wide ResNet (Zagoruyko and Komodakis,
// 2016).
#include "models/resnet.h"

#include <optional>
#include <vector>

#include <torch/nn/init.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/pooling.h>

#include "base/fail.h"
#include "models/families.h"
#include "models/layers.h"
#include "models/python_names.h"
#include "nn/function_class.h"
#include "nn/sequence.h"

namespace torchkeep {

namespace resnet_detail {

namespace nn = torch::nn;
using Block = ResNetShape::Block;
using Step = std::pair<std::string, Layer>;

constexpr std::array<std::int64_t, 4> kWidths = {64, 128, 256, 512};

std::int64_t expansion(Block block) { return block == Block::basic ? 1 : 4; }

// A convolution and its batch norm: the parts of a block that are not shared.
std::int64_t convolutions(Block block) { return block == Block::basic ? 2 : 3; }

Layer find(const std::vector<Step>& steps, std::string_view name) {
  for (const auto& [each, layer] : steps) {
    if (each == name) return layer;
  }
  return {};
}

// conv1, bn1, relu, conv2, bn2, ..., plus the input or what `downsample` makes of it, relu.
FunctionModule::Function residual(Block block, const std::vector<Step>& steps) {
  std::vector<Layer> path;
  const Layer relu = find(steps, "relu");
  for (std::int64_t i = 1; i <= convolutions(block); ++i) {
    if (i > 1) path.push_back(relu);
    path.push_back(find(steps, fmt::format("conv{}", i)));
    path.push_back(find(steps, fmt::format("bn{}", i)));
  }
  return [path, relu, downsample = find(steps, "downsample")](const at::Tensor& x,
                                                              const FunctionModule&) {
    at::Tensor result = x;
    for (const Layer& layer : path) result = layer(result);
    return relu(result + (downsample.module ? downsample(x) : x));
  };
}

// The attributes of Python's class.
Dict block_attributes(const std::vector<Step>& steps, std::int64_t stride) {
  Dict attributes;
  if (!find(steps, "downsample").module) attributes.set("downsample", Value());
  attributes.set("stride", stride);
  return attributes;
}

Layer convolution(std::int64_t from,
                  std::int64_t to,
                  std::int64_t kernel,
                  std::int64_t stride = 1,
                  std::int64_t groups = 1) {
  return callable(conv2d(nn::Conv2dOptions(from, to, kernel)
                             .stride(stride)
                             .padding(kernel / 2)
                             .groups(groups)
                             .bias(false)));
}

Layer norm(std::int64_t channels) { return callable(nn::BatchNorm2d(channels)); }

Layer relu() { return callable(nn::ReLU(nn::ReLUOptions(/*inplace=*/true))); }

struct BlockSizes {
  std::int64_t in_channels;
  std::int64_t width;  // of the stage
  std::int64_t stride;
};

std::vector<Step> basic_steps(const BlockSizes& sizes) {
  std::vector<Step> steps;
  steps.emplace_back("conv1", convolution(sizes.in_channels, sizes.width, 3, sizes.stride));
  steps.emplace_back("bn1", norm(sizes.width));
  steps.emplace_back("relu", relu());
  steps.emplace_back("conv2", convolution(sizes.width, sizes.width, 3));
  steps.emplace_back("bn2", norm(sizes.width));
  return steps;
}

std::vector<Step> bottleneck_steps(const ResNetShape& shape, const BlockSizes& sizes) {
  const std::int64_t inner = sizes.width * shape.base_width / 64 * shape.groups;
  const std::int64_t outer = sizes.width * expansion(Block::bottleneck);
  std::vector<Step> steps;
  steps.emplace_back("conv1", convolution(sizes.in_channels, inner, 1));
  steps.emplace_back("bn1", norm(inner));
  steps.emplace_back("conv2", convolution(inner, inner, 3, sizes.stride, shape.groups));
  steps.emplace_back("bn2", norm(inner));
  steps.emplace_back("conv3", convolution(inner, outer, 1));
  steps.emplace_back("bn3", norm(outer));
  steps.emplace_back("relu", relu());
  return steps;
}

// torchvision draws the shortcut's initial values before those of the block.
Layer block(const ResNetShape& shape, const BlockSizes& sizes, Layer downsample) {
  const bool is_basic = shape.block == Block::basic;
  std::vector<Step> steps = is_basic ? basic_steps(sizes) : bottleneck_steps(shape, sizes);
  if (downsample.module) steps.emplace_back("downsample", std::move(downsample));
  const auto module = std::make_shared<FunctionModule>(
      std::string(is_basic ? kPythonBasicBlock : kPythonBottleneck),
      block_attributes(steps, sizes.stride), residual(shape.block, steps));
  std::vector<std::string> names;
  for (const auto& [name, layer] : steps) {
    module->register_module(name, layer.module);
    names.push_back(name);
  }
  module->set_child_names(std::move(names));
  return callable(module);
}

Layer stage(const ResNetShape& shape, int number, std::int64_t& channels) {
  const auto i = static_cast<std::size_t>(number);
  const std::int64_t width = kWidths.at(i);
  const std::int64_t outer = width * expansion(shape.block);
  const std::int64_t stride = number == 0 ? 1 : 2;
  Layer downsample;
  if (stride != 1 || channels != outer) {
    Stack shortcut;
    shortcut.push(convolution(channels, outer, 1, stride));
    shortcut.push(norm(outer));
    downsample = shortcut.layer();
  }
  Stack blocks;
  blocks.push(block(shape, {channels, width, stride}, std::move(downsample)));
  channels = outer;
  for (int n = 1; n < shape.blocks.at(i); ++n) blocks.push(block(shape, {channels, width, 1}, {}));
  return blocks.layer();
}

class ResNet final : public Classifier {
 public:
  // The children in the order of their names below.
  ResNet(std::string architecture, Dict attributes, std::vector<Step> children)
      : Classifier(std::move(architecture)), attributes_(std::move(attributes)) {
    for (auto& [name, layer] : children) {
      register_module(name, layer.module);
      if (name == "fc") {
        fc_ = std::move(layer);
      } else {
        path_.push_back(std::move(layer));
      }
    }
  }

  static constexpr std::array<std::string_view, 10> kChildren = {
      "conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc"};

  at::Tensor forward(const at::Tensor& x) override {
    at::Tensor result = x;
    for (const Layer& layer : path_) result = layer(result);
    return fc_(result.flatten(1));
  }
  std::optional<ClassDescription> python_class() const override {
    return ClassDescription{std::string(kPythonResNet), attributes_};
  }

 private:
  Dict attributes_;
  std::vector<Layer> path_;
  Layer fc_;
};

Dict attributes(const ResNetShape& shape, std::int64_t channels) {
  Dict attributes;
  attributes.set("_norm_layer", Object::global("torch.nn.modules.batchnorm", "BatchNorm2d"));
  attributes.set("inplanes", channels);
  attributes.set("dilation", 1);
  attributes.set("groups", shape.groups);
  attributes.set("base_width", shape.base_width);
  return attributes;
}

// Over the initial values of the layers, in the order in which torchvision draws.
void initialise(const nn::Module& resnet) {
  for (const auto& module : resnet.modules(/*include_self=*/false)) {
    if (auto* convolution = module->as<nn::Conv2d>()) {
      nn::init::kaiming_normal_(convolution->weight, 0, torch::kFanOut, torch::kReLU);
    }
  }
}

Layer read_block(LayerBuilder& builder, std::size_t index, Block block) {
  const ModuleNode& node = builder.node(index);
  std::vector<Step> steps = builder.children(node);
  for (std::int64_t i = 1; i <= convolutions(block); ++i) {
    for (const char* name : {"conv", "bn"}) builder.child(node, name + std::to_string(i));
  }
  builder.child(node, "relu");
  return function_layer(builder, index, residual(block, steps));
}

}  // namespace resnet_detail

std::shared_ptr<Classifier> build_resnet(std::string architecture,
                                         const ResNetShape& shape,
                                         const ClassifierOptions& options) {
  namespace detail = resnet_detail;
  namespace nn = torch::nn;
  std::vector<detail::Step> children;
  std::int64_t channels = detail::kWidths.front();
  children.emplace_back(
      "conv1",
      callable(conv2d(
          nn::Conv2dOptions(options.in_channels, channels, 7).stride(2).padding(3).bias(false))));
  children.emplace_back("bn1", detail::norm(channels));
  children.emplace_back("relu", detail::relu());
  children.emplace_back("maxpool",
                        callable(nn::MaxPool2d(nn::MaxPool2dOptions(3).stride(2).padding(1))));
  for (int i = 0; i < 4; ++i) {
    children.emplace_back(fmt::format("layer{}", i + 1), detail::stage(shape, i, channels));
  }
  children.emplace_back("avgpool", callable(nn::AdaptiveAvgPool2d(1)));
  children.emplace_back("fc", callable(linear(channels, options.num_classes)));
  auto resnet = std::make_shared<detail::ResNet>(
      std::move(architecture), detail::attributes(shape, channels), std::move(children));
  if (!SkipInitialisation::active()) detail::initialise(*resnet);
  return resnet;
}

std::shared_ptr<Classifier> read_resnet(LayerBuilder& builder, const ModuleNode& node) {
  std::vector<resnet_detail::Step> children;
  for (const std::string_view name : resnet_detail::ResNet::kChildren) {
    children.emplace_back(name, builder.child(node, name));
  }
  return std::make_shared<resnet_detail::ResNet>(node.class_path, node.attributes,
                                                 std::move(children));
}

Layer read_basic_block(LayerBuilder& builder, std::size_t index) {
  return resnet_detail::read_block(builder, index, ResNetShape::Block::basic);
}

Layer read_bottleneck(LayerBuilder& builder, std::size_t index) {
  return resnet_detail::read_block(builder, index, ResNetShape::Block::bottleneck);
}

std::vector<Architecture> resnet_family() {
  constexpr auto kBasic = ResNetShape::Block::basic;
  constexpr auto kBottleneck = ResNetShape::Block::bottleneck;
  const auto resnet = [](std::string_view name, const ResNetShape& shape) {
    return Architecture{.name = name,
                        .build =
                            [shape](std::string architecture, const ClassifierOptions& options) {
                              return build_resnet(std::move(architecture), shape, options);
                            },
                        .heads = {"fc"},
                        .python_class = kPythonResNet};
  };
  return {resnet("resnet18", {kBasic, {2, 2, 2, 2}}),
          resnet("resnet34", {kBasic, {3, 4, 6, 3}}),
          resnet("resnet50", {kBottleneck, {3, 4, 6, 3}}),
          resnet("resnet101", {kBottleneck, {3, 4, 23, 3}}),
          resnet("resnet152", {kBottleneck, {3, 8, 36, 3}}),
          resnet("resnext50_32x4d", {kBottleneck, {3, 4, 6, 3}, 32, 4}),
          resnet("resnext101_32x8d", {kBottleneck, {3, 4, 23, 3}, 32, 8}),
          resnet("resnext101_64x4d", {kBottleneck, {3, 4, 23, 3}, 64, 4}),
          resnet("wide_resnet50_2", {kBottleneck, {3, 4, 6, 3}, 1, 128}),
          resnet("wide_resnet101_2", {kBottleneck, {3, 4, 23, 3}, 1, 128})};
}

}  // namespace torchkeep
