// What travels with a model of images, in its configuration and so in every checkpoint: the names
// of its classes and what is done to an image before it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/model.h>
#include <torchkeep/preprocessing.h>

namespace torchkeep {

// Kept under `class_names`. Empty: the model does not say. Throws mismatch for what is no list of
// strings.
void set_class_names(Model& model, const std::vector<std::string>& names);
std::vector<std::string> class_names(const Model& model);

// Kept under `preprocessing`. Nothing: the model does not say. Throws as preprocessing_from_value.
void set_preprocessing(Model& model, const Preprocessing& preprocessing);
std::optional<Preprocessing> preprocessing(const Model& model);

// What images a model of the zoo is made for: the preset of its published weights, or what its
// authors trained it with; with the model's number of channels. Nothing for another architecture.
std::optional<Preprocessing> usual_preprocessing(const Model& model);

}  // namespace torchkeep
