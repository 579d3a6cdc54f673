// A VGG for images of 28x28.
#pragma once

#include "models/classifier.h"

#include <memory>
#include <string>

namespace torchkeep {

std::shared_ptr<Classifier> build_tiny_vgg(std::string architecture,
                                           const ClassifierOptions& options);

}  // namespace torchkeep
