// VGG11 to VGG19.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "models/classifier.h"

namespace torchkeep {

struct VggShape {
  std::array<int, 5> convolutions;  // in each block
  bool batch_norm;
};

std::shared_ptr<Classifier> build_vgg(std::string architecture,
                                      const VggShape& shape,
                                      const ClassifierOptions& options);

}  // namespace torchkeep
