// The classes of torchvision that the zoo's models are in Python.
#pragma once

#include <string_view>

namespace torchkeep {

inline constexpr std::string_view kPythonAlexNet = "torchvision.models.alexnet.AlexNet";
inline constexpr std::string_view kPythonVgg = "torchvision.models.vgg.VGG";
inline constexpr std::string_view kPythonResNet = "torchvision.models.resnet.ResNet";
inline constexpr std::string_view kPythonBasicBlock = "torchvision.models.resnet.BasicBlock";
inline constexpr std::string_view kPythonBottleneck = "torchvision.models.resnet.Bottleneck";
inline constexpr const char* kPythonConvNorm = "torchvision.ops.misc.Conv2dNormActivation";

}  // namespace torchkeep
