// torchvision's classifiers, with its parameter names and, after the same seed, its initial values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <torchkeep/model.h>

namespace torchkeep {

namespace models {

struct ModelOptions {
  // The name of published weights ("DEFAULT", "IMAGENET1K_V1"), which fetch_weights() gets, or a
  // file with a state dict, in any dialect: bare, or below `state_dict`, `model_state_dict`,
  // `model` or `net`; with or without `module.` before the names. It is loaded strictly; kernels of
  // the first layer are adapted to in_channels. Empty: fresh parameters.
  std::string weights = "";
  // Nothing: as the architecture was published; with weights, what the file holds.
  std::optional<std::int64_t> num_classes = std::nullopt;
  // Nothing, here and below: as the architecture was published. Only in_channels is in all of them.
  std::optional<double> dropout = std::nullopt;  // probability
  std::optional<std::int64_t> in_channels = std::nullopt;
  std::optional<double> width_mult = std::nullopt;  // MobileNet: a factor for all channels
  std::optional<double> stochastic_depth_prob = std::nullopt;  // EfficientNet, ConvNeXt: the last's
  std::optional<bool> aux_logits = std::nullopt;  // GoogLeNet, InceptionV3: auxiliary classifiers
  // The same two: images come in ImageNet's normalisation and are normalised to [-1, 1].
  std::optional<bool> transform_input = std::nullopt;
};

// Builds a model by its name, as below: images [n, in_channels, height, width] -> [n, num_classes].
// Throws not_found for an unknown name; invalid_argument for options out of range or that the
// architecture lacks; with weights MismatchError, with suggestions, and as load() and
// fetch_weights(). With weights the random state is left alone.
Model create(const std::string& architecture, const ModelOptions& options = {});

// The outputs of a model, and behind them in training those of its auxiliary classifiers: two for
// GoogLeNet, one for InceptionV3, none for the others. Their losses are usually added with weights
// of 0.3 and 0.4. Model::forward() leaves the auxiliary classifiers alone.
std::vector<at::Tensor> forward_with_auxiliary(const Model& model, const at::Tensor& x);

// A function each: densenet121(options) is create("densenet121", options).
#define TORCHKEEP_MODEL(name) \
  inline Model name(const ModelOptions& options = {}) { return create(#name, options); }

// AlexNet, for images of at least 63x63.
TORCHKEEP_MODEL(alexnet)

// ConvNeXt.
TORCHKEEP_MODEL(convnext_tiny)
TORCHKEEP_MODEL(convnext_small)
TORCHKEEP_MODEL(convnext_base)
TORCHKEEP_MODEL(convnext_large)

// DenseNet.
TORCHKEEP_MODEL(densenet121)
TORCHKEEP_MODEL(densenet161)
TORCHKEEP_MODEL(densenet169)
TORCHKEEP_MODEL(densenet201)

// EfficientNet.
TORCHKEEP_MODEL(efficientnet_b0)
TORCHKEEP_MODEL(efficientnet_b1)
TORCHKEEP_MODEL(efficientnet_b2)
TORCHKEEP_MODEL(efficientnet_b3)
TORCHKEEP_MODEL(efficientnet_b4)
TORCHKEEP_MODEL(efficientnet_b5)
TORCHKEEP_MODEL(efficientnet_b6)
TORCHKEEP_MODEL(efficientnet_b7)
TORCHKEEP_MODEL(efficientnet_v2_s)
TORCHKEEP_MODEL(efficientnet_v2_m)
TORCHKEEP_MODEL(efficientnet_v2_l)

// GoogLeNet and InceptionV3; the latter wants images of 299x299.
TORCHKEEP_MODEL(googlenet)
TORCHKEEP_MODEL(inception_v3)

// MNASNet.
TORCHKEEP_MODEL(mnasnet0_5)
TORCHKEEP_MODEL(mnasnet0_75)
TORCHKEEP_MODEL(mnasnet1_0)
TORCHKEEP_MODEL(mnasnet1_3)

// MobileNet; version 1 with leaky activations, as in detectors.
TORCHKEEP_MODEL(mobilenet_v1)
TORCHKEEP_MODEL(mobilenet_v1_x0_75)
TORCHKEEP_MODEL(mobilenet_v1_x0_5)
TORCHKEEP_MODEL(mobilenet_v1_x0_25)
TORCHKEEP_MODEL(mobilenet_v2)
TORCHKEEP_MODEL(mobilenet_v3_large)
TORCHKEEP_MODEL(mobilenet_v3_small)

// RegNet.
TORCHKEEP_MODEL(regnet_y_400mf)
TORCHKEEP_MODEL(regnet_y_800mf)
TORCHKEEP_MODEL(regnet_y_1_6gf)
TORCHKEEP_MODEL(regnet_y_3_2gf)
TORCHKEEP_MODEL(regnet_y_8gf)
TORCHKEEP_MODEL(regnet_y_16gf)
TORCHKEEP_MODEL(regnet_y_32gf)
TORCHKEEP_MODEL(regnet_y_128gf)
TORCHKEEP_MODEL(regnet_x_400mf)
TORCHKEEP_MODEL(regnet_x_800mf)
TORCHKEEP_MODEL(regnet_x_1_6gf)
TORCHKEEP_MODEL(regnet_x_3_2gf)
TORCHKEEP_MODEL(regnet_x_8gf)
TORCHKEEP_MODEL(regnet_x_16gf)
TORCHKEEP_MODEL(regnet_x_32gf)

// ResNet, ResNeXt and wide ResNet.
TORCHKEEP_MODEL(resnet18)
TORCHKEEP_MODEL(resnet34)
TORCHKEEP_MODEL(resnet50)
TORCHKEEP_MODEL(resnet101)
TORCHKEEP_MODEL(resnet152)
TORCHKEEP_MODEL(resnext50_32x4d)
TORCHKEEP_MODEL(resnext101_32x8d)
TORCHKEEP_MODEL(resnext101_64x4d)
TORCHKEEP_MODEL(wide_resnet50_2)
TORCHKEEP_MODEL(wide_resnet101_2)

// ResNets for images of 32x32 in 10 classes (CIFAR-10).
TORCHKEEP_MODEL(resnet20)
TORCHKEEP_MODEL(resnet32)
TORCHKEEP_MODEL(resnet44)
TORCHKEEP_MODEL(resnet56)

// ShuffleNet.
TORCHKEEP_MODEL(shufflenet_v2_x0_5)
TORCHKEEP_MODEL(shufflenet_v2_x1_0)
TORCHKEEP_MODEL(shufflenet_v2_x1_5)
TORCHKEEP_MODEL(shufflenet_v2_x2_0)

// SqueezeNet.
TORCHKEEP_MODEL(squeezenet1_0)
TORCHKEEP_MODEL(squeezenet1_1)

// VGG; tiny_vgg is for grey images of 28x28 in 10 classes and trains in seconds on a CPU.
TORCHKEEP_MODEL(vgg11)
TORCHKEEP_MODEL(vgg11_bn)
TORCHKEEP_MODEL(vgg13)
TORCHKEEP_MODEL(vgg13_bn)
TORCHKEEP_MODEL(vgg16)
TORCHKEEP_MODEL(vgg16_bn)
TORCHKEEP_MODEL(vgg19)
TORCHKEEP_MODEL(vgg19_bn)
TORCHKEEP_MODEL(tiny_vgg)

#undef TORCHKEEP_MODEL

}  // namespace models

// Gives the layer that tells the classes apart `num_classes` outputs, with fresh parameters that
// are trainable, as Python's `model.classifier[6] = nn.Linear(n, num_classes)` would draw them;
// that of auxiliary classifiers, too. It is the last Linear of a module that is none of
// torchkeep's own. Everything else stays. Build the optimizer afterwards.
// Throws not_found for a module without a Linear, invalid_argument for fewer than one class and for
// a head that shares a parameter with another layer.
void replace_head(torch::nn::Module& module, std::int64_t num_classes);

// The same for classes with names: the rows of those that were among the `previous` ones keep their
// values. Also throws invalid_argument if a name is there twice or `previous` are not the classes
// of the head.
void replace_head(torch::nn::Module& module,
                  const std::vector<std::string>& classes,
                  const std::vector<std::string>& previous);

}  // namespace torchkeep
