// The families of the zoo: one function each, with the rows of its members.
#pragma once

#include <vector>

#include "models/classifier.h"

namespace torchkeep {

std::vector<Architecture> alexnet_family();
std::vector<Architecture> cifar_resnet_family();
std::vector<Architecture> convnext_family();
std::vector<Architecture> densenet_family();
std::vector<Architecture> efficientnet_family();
std::vector<Architecture> googlenet_family();
std::vector<Architecture> inception_family();
std::vector<Architecture> mnasnet_family();
std::vector<Architecture> mobilenet_v1_family();
std::vector<Architecture> mobilenet_v2_family();
std::vector<Architecture> mobilenet_v3_family();
std::vector<Architecture> regnet_family();
std::vector<Architecture> resnet_family();
std::vector<Architecture> shufflenet_family();
std::vector<Architecture> squeezenet_family();
std::vector<Architecture> tiny_vgg_family();
std::vector<Architecture> vgg_family();

}  // namespace torchkeep
