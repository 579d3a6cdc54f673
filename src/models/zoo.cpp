// The table of torchkeep's own models, and what they are configured with.
#include <algorithm>
#include <array>

#include <torchkeep/models.h>
#include <torchkeep/module.h>

#include <torch/nn/modules/dropout.h>

#include "base/fail.h"
#include "base/similar.h"
#include "models/alexnet.h"
#include "models/classifier.h"
#include "models/head.h"
#include "models/layers.h"
#include "models/python_names.h"
#include "models/resnet.h"
#include "models/tiny_vgg.h"
#include "models/vgg.h"
#include "models/weights.h"

namespace torchkeep {

namespace zoo_detail {

constexpr ClassifierOptions kImageNet = {.num_classes = 1000, .dropout = 0.5, .in_channels = 3};
constexpr ClassifierOptions kFashionMnist = {.num_classes = 10, .dropout = 0.25, .in_channels = 1};

constexpr std::string_view kNumClasses = "num_classes";
constexpr std::string_view kDropout = "dropout";
constexpr std::string_view kInChannels = "in_channels";
constexpr std::array kKeys = {kNumClasses, kDropout, kInChannels};

Architecture vgg(std::string_view name, const VggShape& shape) {
  return {.name = name,
          .defaults = kImageNet,
          .build =
              [shape](std::string architecture, const ClassifierOptions& options) {
                return build_vgg(std::move(architecture), shape, options);
              },
          .python_class = kPythonVgg};
}

Architecture resnet(std::string_view name, const ResNetShape& shape) {
  return {.name = name,
          .defaults = kImageNet,
          .build =
              [shape](std::string architecture, const ClassifierOptions& options) {
                return build_resnet(std::move(architecture), shape, options);
              },
          .python_class = kPythonResNet};
}

const Architecture& find(std::string_view name) {
  return *std::ranges::find(zoo(), name, &Architecture::name);
}

void check_range(const ClassifierOptions& options) {
  if (options.num_classes < 1) {
    fail(ErrorCode::invalid_argument, "num_classes must be at least 1 (got {})",
         options.num_classes);
  }
  if (options.in_channels < 1) {
    fail(ErrorCode::invalid_argument, "in_channels must be at least 1 (got {})",
         options.in_channels);
  }
  if (!(options.dropout >= 0.0 && options.dropout <= 1.0)) {
    fail(ErrorCode::invalid_argument, "dropout must be a probability from 0 to 1 (got {})",
         options.dropout);
  }
}

template <class Layer>
std::shared_ptr<Layer> first(const torch::nn::Module& module) {
  for (const auto& child : module.modules(/*include_self=*/false)) {
    if (auto layer = std::dynamic_pointer_cast<Layer>(child)) return layer;
  }
  return nullptr;
}

// What `read` makes of the value under a key, or `otherwise`.
template <class T>
T get(const Value& configuration, std::string_view key, T (Value::*read)() const, T otherwise) {
  const Value* value = configuration.find(key);
  if (!value) return otherwise;
  try {
    return (value->*read)();
  } catch (Error& error) {
    error.add_place({.tensor = fmt::format("configuration.{}", key)});
    throw;
  }
}

Model create(std::string_view name, const models::ModelOptions& options) {
  const Architecture& architecture = find(name);
  const ClassifierOptions complete = {
      .num_classes = options.num_classes.value_or(architecture.defaults.num_classes),
      .dropout = options.dropout.value_or(architecture.defaults.dropout),
      .in_channels = options.in_channels.value_or(architecture.defaults.in_channels)};
  if (options.weights.empty()) return build_classifier(architecture, complete);

  const SkipInitialisation skip;
  Model model = build_classifier(architecture, complete);
  load_weights(*model, options.weights);
  return model;
}

}  // namespace zoo_detail

const std::vector<Architecture>& zoo() {
  using Block = ResNetShape::Block;
  static const std::vector<Architecture> architectures = {
      zoo_detail::vgg("vgg11", {.convolutions = {1, 1, 2, 2, 2}, .batch_norm = false}),
      zoo_detail::vgg("vgg11_bn", {.convolutions = {1, 1, 2, 2, 2}, .batch_norm = true}),
      zoo_detail::vgg("vgg13", {.convolutions = {2, 2, 2, 2, 2}, .batch_norm = false}),
      zoo_detail::vgg("vgg13_bn", {.convolutions = {2, 2, 2, 2, 2}, .batch_norm = true}),
      zoo_detail::vgg("vgg16", {.convolutions = {2, 2, 3, 3, 3}, .batch_norm = false}),
      zoo_detail::vgg("vgg16_bn", {.convolutions = {2, 2, 3, 3, 3}, .batch_norm = true}),
      zoo_detail::vgg("vgg19", {.convolutions = {2, 2, 4, 4, 4}, .batch_norm = false}),
      zoo_detail::vgg("vgg19_bn", {.convolutions = {2, 2, 4, 4, 4}, .batch_norm = true}),
      {"alexnet", zoo_detail::kImageNet, build_alexnet, kPythonAlexNet},
      zoo_detail::resnet("resnet18", {.block = Block::basic, .blocks = {2, 2, 2, 2}}),
      zoo_detail::resnet("resnet34", {.block = Block::basic, .blocks = {3, 4, 6, 3}}),
      zoo_detail::resnet("resnet50", {.block = Block::bottleneck, .blocks = {3, 4, 6, 3}}),
      zoo_detail::resnet("resnet101", {.block = Block::bottleneck, .blocks = {3, 4, 23, 3}}),
      zoo_detail::resnet("resnet152", {.block = Block::bottleneck, .blocks = {3, 8, 36, 3}}),
      zoo_detail::resnet(
          "resnext50_32x4d",
          {.block = Block::bottleneck, .blocks = {3, 4, 6, 3}, .groups = 32, .base_width = 4}),
      zoo_detail::resnet(
          "resnext101_32x8d",
          {.block = Block::bottleneck, .blocks = {3, 4, 23, 3}, .groups = 32, .base_width = 8}),
      zoo_detail::resnet(
          "resnext101_64x4d",
          {.block = Block::bottleneck, .blocks = {3, 4, 23, 3}, .groups = 64, .base_width = 4}),
      zoo_detail::resnet("wide_resnet50_2",
                         {.block = Block::bottleneck, .blocks = {3, 4, 6, 3}, .base_width = 128}),
      zoo_detail::resnet("wide_resnet101_2",
                         {.block = Block::bottleneck, .blocks = {3, 4, 23, 3}, .base_width = 128}),
      {"tiny_vgg", zoo_detail::kFashionMnist, build_tiny_vgg},
  };
  return architectures;
}

Model build_classifier(const Architecture& architecture, const ClassifierOptions& options) {
  zoo_detail::check_range(options);
  auto module = architecture.build(std::string(architecture.name), options);
  return Model(std::string(architecture.name), describe_classifier(*module), module,
               [module](const at::Tensor& x) { return module->forward(x); });
}

ClassifierOptions options_of(const Architecture& architecture, const Value& configuration) {
  const ClassifierOptions& defaults = architecture.defaults;
  const auto integer = [&](std::string_view key, std::int64_t otherwise) {
    return zoo_detail::get(configuration, key, &Value::as_int, otherwise);
  };
  return {.num_classes = integer(zoo_detail::kNumClasses, defaults.num_classes),
          .dropout = zoo_detail::get(configuration, zoo_detail::kDropout, &Value::as_double,
                                     defaults.dropout),
          .in_channels = integer(zoo_detail::kInChannels, defaults.in_channels)};
}

void check_configuration_keys(const Value& configuration) {
  for (const auto& [key, value] : configuration.as_dict()) {
    const std::string& name = key.as_string();
    if (std::ranges::find(zoo_detail::kKeys, name) != zoo_detail::kKeys.end()) continue;
    const auto meant = most_similar(name, zoo_detail::kKeys);
    fail_at(ErrorCode::invalid_argument, {.tensor = "configuration"},
            meant ? fmt::format("did you mean '{}'?", *meant) : "",
            "unknown key '{}' (known are {})", name, fmt::join(zoo_detail::kKeys, ", "));
  }
}

Value describe_classifier(const torch::nn::Module& module) {
  Dict configuration;
  if (const auto head = find_head(module)) {
    configuration.set(Value(zoo_detail::kNumClasses), head->options.out_features());
  }
  if (const auto dropout = zoo_detail::first<torch::nn::DropoutImpl>(module)) {
    configuration.set(Value(zoo_detail::kDropout), dropout->options.p());
  }
  if (const auto convolution = zoo_detail::first<torch::nn::Conv2dImpl>(module)) {
    configuration.set(Value(zoo_detail::kInChannels), convolution->options.in_channels());
  }
  return Value(std::move(configuration));
}

namespace models {

Model alexnet(const ModelOptions& options) { return zoo_detail::create("alexnet", options); }
Model resnet18(const ModelOptions& options) { return zoo_detail::create("resnet18", options); }
Model resnet34(const ModelOptions& options) { return zoo_detail::create("resnet34", options); }
Model resnet50(const ModelOptions& options) { return zoo_detail::create("resnet50", options); }
Model resnet101(const ModelOptions& options) { return zoo_detail::create("resnet101", options); }
Model resnet152(const ModelOptions& options) { return zoo_detail::create("resnet152", options); }
Model resnext50_32x4d(const ModelOptions& options) {
  return zoo_detail::create("resnext50_32x4d", options);
}
Model resnext101_32x8d(const ModelOptions& options) {
  return zoo_detail::create("resnext101_32x8d", options);
}
Model resnext101_64x4d(const ModelOptions& options) {
  return zoo_detail::create("resnext101_64x4d", options);
}
Model tiny_vgg(const ModelOptions& options) { return zoo_detail::create("tiny_vgg", options); }
Model vgg11(const ModelOptions& options) { return zoo_detail::create("vgg11", options); }
Model vgg11_bn(const ModelOptions& options) { return zoo_detail::create("vgg11_bn", options); }
Model vgg13(const ModelOptions& options) { return zoo_detail::create("vgg13", options); }
Model vgg13_bn(const ModelOptions& options) { return zoo_detail::create("vgg13_bn", options); }
Model vgg16(const ModelOptions& options) { return zoo_detail::create("vgg16", options); }
Model vgg16_bn(const ModelOptions& options) { return zoo_detail::create("vgg16_bn", options); }
Model vgg19(const ModelOptions& options) { return zoo_detail::create("vgg19", options); }
Model vgg19_bn(const ModelOptions& options) { return zoo_detail::create("vgg19_bn", options); }
Model wide_resnet50_2(const ModelOptions& options) {
  return zoo_detail::create("wide_resnet50_2", options);
}
Model wide_resnet101_2(const ModelOptions& options) {
  return zoo_detail::create("wide_resnet101_2", options);
}

}  // namespace models

}  // namespace torchkeep
