// The classes that can be built by name: torchkeep's own and those that users register.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <torchkeep/model.h>

namespace torchkeep {

// Null if the name is not registered. Thread-safe.
std::shared_ptr<const ModelClass> find_model_class(std::string_view architecture);

// Null if the class of the module is not registered; those of the zoo are not asked for.
std::shared_ptr<const ModelClass> find_model_class_of(const torch::nn::Module& module);

// As find_model_class(), but throws not_found with the names there are and the call that registers
// one.
std::shared_ptr<const ModelClass> model_class(std::string_view architecture);

// The class of a module. Throws invalid_argument, with the call that registers it.
std::shared_ptr<const ModelClass> model_class_of(const torch::nn::Module& module);

}  // namespace torchkeep
