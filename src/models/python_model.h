// Whole models of Python: from their module trees to modules and back.
#pragma once

#include <string>

#include <torchkeep/model.h>
#include <torchkeep/module_tree.h>

#include "nn/layer.h"

namespace torchkeep {

// Throws not_found for a class that neither torchkeep nor the registry knows, with its form.
Model model_from_tree(const ModuleTree& tree);

// Whether Python has the class of the module; those below it may still be unknown.
bool has_python_class(const torch::nn::Module& module);

// The path of that class.
std::string python_class_path(const torch::nn::Module& module);

// Throws invalid_argument for a class that Python has not, with the line that registers it.
ModuleTree python_tree(const torch::nn::Module& module);

// Keeps in the tree what the model's configuration has that Python's class does not keep.
void keep_extras(const Model& model, ModuleTree& tree);

// The form of a module that goes by the path of its class: what Model::configuration() says of it.
// Empty where Python does not have the classes of all that is below it.
Value python_configuration(const torch::nn::Module& module);

// The layer as a model.
Model model_of(std::string architecture, const Layer& layer);

}  // namespace torchkeep
