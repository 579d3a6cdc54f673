// torchvision's classifiers, with its parameter names and, after the same seed, its initial values.
#pragma once

#include <cstdint>
#include <string>

#include <torchkeep/model.h>

namespace torchkeep {

namespace models {

struct ModelOptions {
  // A file with a state dict, in any dialect of load(): bare, or below `state_dict`,
  // `model_state_dict`, `model`; with or without `module.`. Empty: fresh parameters.
  std::string weights = "";
  std::int64_t num_classes = 1000;
  double dropout = 0.5;  // of the classifier; 0 for none
  std::int64_t in_channels = 3;
};

Model vgg11(const ModelOptions& options = {});
Model vgg11_bn(const ModelOptions& options = {});
Model vgg13(const ModelOptions& options = {});
Model vgg13_bn(const ModelOptions& options = {});
Model vgg16(const ModelOptions& options = {});
Model vgg16_bn(const ModelOptions& options = {});
Model vgg19(const ModelOptions& options = {});
Model vgg19_bn(const ModelOptions& options = {});

// Two VGG blocks and a small classifier for images of 28x28: [n, in_channels, 28, 28] ->
// [n, num_classes]. Trains in seconds on a CPU.
Model tiny_vgg(const ModelOptions& options = {.num_classes = 10, .in_channels = 1});

}  // namespace models

// Gives the last Linear of the module `num_classes` outputs, with fresh parameters that are
// trainable. Everything else stays. Throws not_found for a module without a Linear.
// Build the optimizer afterwards.
void replace_head(torch::nn::Module& module, std::int64_t num_classes);

}  // namespace torchkeep
