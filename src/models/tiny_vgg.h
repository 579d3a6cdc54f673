// A VGG for images of 28x28.
#pragma once

#include <memory>
#include <string>

#include "models/classifier.h"

namespace torchkeep {

std::shared_ptr<Classifier> build_tiny_vgg(std::string architecture,
                                           const ClassifierOptions& options);

}  // namespace torchkeep
