// torchvision's classifiers, with its parameter names and, after the same seed, its initial values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <torchkeep/model.h>

namespace torchkeep {

namespace models {

struct ModelOptions {
  // A file with a state dict, in any dialect: bare, or below `state_dict`, `model_state_dict` or
  // `model`; with or without `module.` before the names. It is loaded strictly.
  // Empty: fresh parameters.
  std::string weights = "";
  // Nothing: as the architecture was published (1000, 0.5, 3 for the VGGs; 10, 0.25, 1 for
  // tiny_vgg).
  std::optional<std::int64_t> num_classes = std::nullopt;
  // Probability, in the classifier; the ResNets have none.
  std::optional<double> dropout = std::nullopt;
  std::optional<std::int64_t> in_channels = std::nullopt;
};

// All of these: images [n, in_channels, height, width] of at least 32x32 -> [n, num_classes].
// Throw invalid_argument for options out of range; with weights MismatchError, with suggestions,
// and as load(). With weights the random state is left alone.
Model alexnet(const ModelOptions& options = {});  // of at least 63x63
Model resnet18(const ModelOptions& options = {});
Model resnet34(const ModelOptions& options = {});
Model resnet50(const ModelOptions& options = {});
Model resnet101(const ModelOptions& options = {});
Model resnet152(const ModelOptions& options = {});
Model resnext50_32x4d(const ModelOptions& options = {});
Model resnext101_32x8d(const ModelOptions& options = {});
Model resnext101_64x4d(const ModelOptions& options = {});
Model wide_resnet50_2(const ModelOptions& options = {});
Model wide_resnet101_2(const ModelOptions& options = {});
Model vgg11(const ModelOptions& options = {});
Model vgg11_bn(const ModelOptions& options = {});
Model vgg13(const ModelOptions& options = {});
Model vgg13_bn(const ModelOptions& options = {});
Model vgg16(const ModelOptions& options = {});
Model vgg16_bn(const ModelOptions& options = {});
Model vgg19(const ModelOptions& options = {});
Model vgg19_bn(const ModelOptions& options = {});

// Two VGG blocks and a linear layer for images of 28x28: [n, in_channels, 28, 28] ->
// [n, num_classes]. Trains in seconds on a CPU.
Model tiny_vgg(const ModelOptions& options = {});

}  // namespace models

// Gives the last Linear of the module `num_classes` outputs, with fresh parameters that are
// trainable, as Python's `model.classifier[6] = nn.Linear(n, num_classes)` would draw them.
// Everything else stays. Build the optimizer afterwards.
// Throws not_found for a module without a Linear, invalid_argument for fewer than one class and for
// a head that shares a parameter with another layer.
void replace_head(torch::nn::Module& module, std::int64_t num_classes);

}  // namespace torchkeep
