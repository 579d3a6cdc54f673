// AlexNet.
#pragma once

#include <memory>
#include <string>

#include "models/classifier.h"

namespace torchkeep {

std::shared_ptr<Classifier> build_alexnet(std::string architecture,
                                          const ClassifierOptions& options);

}  // namespace torchkeep
