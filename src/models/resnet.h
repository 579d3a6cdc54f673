// ResNet, ResNeXt and wide ResNet.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "models/classifier.h"
#include "nn/layer.h"

namespace torchkeep {

class LayerBuilder;

struct ResNetShape {
  enum class Block { basic, bottleneck };
  Block block = Block::basic;
  std::array<int, 4> blocks = {};  // in each stage
  std::int64_t groups = 1;         // of the 3x3 convolution of a bottleneck
  std::int64_t base_width = 64;    // channels of each group in the first stage
};

std::shared_ptr<Classifier> build_resnet(std::string architecture,
                                         const ResNetShape& shape,
                                         const ClassifierOptions& options);

// From the tree of a file: the whole model, and one of its blocks.
std::shared_ptr<Classifier> read_resnet(LayerBuilder& builder, const ModuleNode& node);
Layer read_basic_block(LayerBuilder& builder, std::size_t index);
Layer read_bottleneck(LayerBuilder& builder, std::size_t index);

}  // namespace torchkeep
