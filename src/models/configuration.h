// The options of a classifier as the configuration that whole models and checkpoints keep.
#pragma once

#include <torchkeep/models.h>

#include "models/classifier.h"

namespace torchkeep {

// The options that a configuration holds; the architecture's defaults where it is silent.
// Throws mismatch naming the key, invalid_argument for an option that the architecture lacks.
ClassifierOptions options_of(const Architecture& architecture, const Value& configuration);

// The same from what a user asks for, over `defaults`.
ClassifierOptions options_of(const Architecture& architecture,
                             const ClassifierOptions& defaults,
                             const models::ModelOptions& asked);

// Throws invalid_argument for options out of range.
void check_range(const ClassifierOptions& options);

// Throws invalid_argument for a key that no architecture knows.
void check_configuration_keys(const Value& configuration);

// The configuration of a module as it is now, whatever was done to it since it was built.
Value describe_classifier(const torch::nn::Module& module);

}  // namespace torchkeep
