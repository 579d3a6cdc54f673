// Files of pretrained weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include <torchkeep/state_dict.h>
#include <torchkeep/value.h>

#include "models/classifier.h"

namespace torchkeep {

// The state dict in what a file of weights holds: the value itself, what is below `state_dict`,
// `model_state_dict`, `model` or `net`, or that of a whole model; without the prefixes that
// wrappers such as DataParallel add to every name. Nothing if there is none.
std::optional<StateDict> find_state_dict(const Value& value);

// That of a file. Throws as load(), and mismatch where there is none.
StateDict read_weights(const std::filesystem::path& path);

// The number of classes that the head in a state dict tells apart; that of the options where there
// is no head.
std::int64_t classes_in(const StateDict& weights,
                        const Architecture& architecture,
                        const ClassifierOptions& options);

// Weights as a model of the zoo needs them: under today's names, without auxiliary classifiers that
// the model does not have, and with its number of input channels: for one channel the kernels are
// added up; for others they are repeated and scaled so that the sums stay about the same.
StateDict fitted(const StateDict& weights, const Architecture& architecture, const Model& model);

}  // namespace torchkeep
