// What all models of the zoo have in common: options, a name, a forward(x), a configuration.
//
// A new model is one source file with a Classifier, and its lines in zoo.cpp and models.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <torchkeep/model.h>

#include <torch/nn/module.h>

#include "nn/layer_tree.h"

namespace torchkeep {

class Classifier : public torch::nn::Module {
 public:
  explicit Classifier(std::string architecture) : Module(std::move(architecture)) {}
  virtual at::Tensor forward(const at::Tensor& x) = 0;
  // The class that it is in Python; nothing for those that only torchkeep has.
  virtual std::optional<ClassDescription> python_class() const { return std::nullopt; }
};

struct ClassifierOptions {
  std::int64_t num_classes;
  double dropout;
  std::int64_t in_channels;
};

struct Architecture {
  std::string_view name;
  ClassifierOptions defaults;
  std::function<std::shared_ptr<Classifier>(std::string name, const ClassifierOptions&)> build;
  std::string_view python_class = {};  // of the models, where Python has one
};

// All architectures of the zoo. Never changes.
const std::vector<Architecture>& zoo();

// Builds one; its initial values are random, or undefined while initialisation is skipped.
// Throws invalid_argument for options out of range.
Model build_classifier(const Architecture& architecture, const ClassifierOptions& options);

// The options that a configuration holds; the architecture's defaults where it is silent.
// Throws mismatch naming the key.
ClassifierOptions options_of(const Architecture& architecture, const Value& configuration);

// Throws invalid_argument for a key that options_of() does not know.
void check_configuration_keys(const Value& configuration);

// The configuration of a module as it is now, whatever was done to it since it was built.
Value describe_classifier(const torch::nn::Module& module);

}  // namespace torchkeep
