// What all models of the zoo have in common: options, a name, a forward(x), a configuration.
//
// A new model is one source file with its Classifier and the rows of its family, a declaration in
// families.h, a line in zoo.cpp, and a line for each name in models.h.
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

// Nothing for an option that an architecture does not have.
struct ClassifierOptions {
  std::int64_t num_classes = 1000;
  std::optional<double> dropout = std::nullopt;
  std::int64_t in_channels = 3;
  std::optional<double> width_mult = std::nullopt;  // a factor for all numbers of channels
  std::optional<double> stochastic_depth_prob = std::nullopt;  // of the last block
  std::optional<bool> aux_logits = std::nullopt;       // whether there are auxiliary classifiers
  std::optional<bool> transform_input = std::nullopt;  // from ImageNet's normalisation to [-1, 1]
};

class Classifier : public torch::nn::Module {
 public:
  explicit Classifier(std::string architecture) : Module(std::move(architecture)) {}

  virtual at::Tensor forward(const at::Tensor& x) = 0;

  // forward(x), and behind it in training what the auxiliary classifiers say.
  virtual std::vector<at::Tensor> forward_with_auxiliary(const at::Tensor& x) {
    return {forward(x)};
  }

  // The class that it is in Python; nothing for those that whole models of Python are not read of.
  virtual std::optional<ClassDescription> python_class() const { return std::nullopt; }

  // What it was built with.
  const ClassifierOptions& options() const { return options_; }
  void set_options(const ClassifierOptions& options) { options_ = options; }

 private:
  ClassifierOptions options_;
};

struct Architecture {
  std::string_view name = {};
  ClassifierOptions defaults = {};
  std::function<std::shared_ptr<Classifier>(std::string name, const ClassifierOptions&)> build = {};
  // The paths of the layers that tell the classes apart: the main one, those of the auxiliary
  // classifiers.
  std::vector<std::string> heads = {"fc"};
  // What published weights need that is not among the defaults.
  ClassifierOptions defaults_with_weights = defaults;
  // The prefixes of what is left out without auxiliary classifiers.
  std::vector<std::string> auxiliary = {};
  // Today's name for a name in older files of weights; null if they never changed.
  std::string (*renamed)(const std::string& name) = nullptr;
  std::string_view python_class = {};  // of the models, where whole models of Python can be read
};

// A row of a family whose members are of one class and differ in their shape.
template <class Net, class Shape>
Architecture architecture(std::string_view name,
                          const ClassifierOptions& defaults,
                          std::string head,
                          const Shape& shape) {
  std::string_view python_class;
  if constexpr (requires { Net::kPythonClass; }) python_class = Net::kPythonClass;
  return {.name = name,
          .defaults = defaults,
          .build =
              [shape](std::string architecture_name, const ClassifierOptions& options) {
                return std::make_shared<Net>(std::move(architecture_name), shape, options);
              },
          .heads = {std::move(head)},
          .python_class = python_class};
}

// All architectures of the zoo. Never changes.
const std::vector<Architecture>& zoo();

// The architecture of that name, or null.
const Architecture* find_architecture(std::string_view name);

// Builds one; its initial values are random, or undefined while initialisation is skipped.
// Throws invalid_argument for options out of range.
Model build_classifier(const Architecture& architecture, const ClassifierOptions& options);

}  // namespace torchkeep
