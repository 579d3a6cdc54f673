// What zoo_test.py asks of the models of the zoo: many models in one process.
#include <iostream>

#include <torchkeep/convert.h>
#include <torchkeep/dict.h>
#include <torchkeep/models.h>
#include <torchkeep/module.h>
#include <torchkeep/save.h>

#include <ATen/Functions.h>
#include <nlohmann/json.hpp>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/utils.h>

#include "data/tensor_hash.h"
#include "interop/torch_program.h"
#include "models/layers.h"

namespace torchkeep::interop {

namespace {

constexpr SaveOptions kSaveCached = {.durability = Durability::cached};

nlohmann::ordered_json form_json(const Model& model) {
  nlohmann::ordered_json form = nlohmann::ordered_json::array();
  for (const TensorForm& tensor : state_dict_form(*model)) {
    form.push_back({tensor.name, tensor.shape});
  }
  return form;
}

nlohmann::ordered_json digests_json(const Model& model) {
  nlohmann::ordered_json digests = nlohmann::ordered_json::array();
  for (const auto& entry : state_dict(*model)) {
    digests.push_back({entry.name, sha256_of_elements(entry.tensor)});
  }
  return digests;
}

// Values that show the effect of every parameter; normalisation by the very batch.
void disturb(const Model& model) {
  torch::manual_seed(8);
  const torch::NoGradGuard no_grad;
  for (const auto& item : model->named_parameters()) {
    at::Tensor parameter = item.value();
    if (parameter.dim() == 1) parameter.add_(at::empty_like(parameter).uniform_(-0.2, 0.2));
    if (parameter.dim() == 3) parameter.uniform_(0.1, 1.0);  // scales of layers
  }
  for (const auto& module : model->modules(false)) {
    if (auto* norm = module->as<torch::nn::BatchNorm2dImpl>()) norm->options.momentum(1.0);
  }
}

// About fifty values of each tensor.
at::Tensor sample(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> parts = {at::zeros({0})};
  for (const at::Tensor& tensor : tensors) {
    const std::int64_t step = std::max<std::int64_t>(1, tensor.numel() / 50);
    parts.push_back(tensor.detach().flatten().slice(0, 0, tensor.numel(), step).to(at::kFloat));
  }
  return at::cat(parts);
}

at::Tensor loss_of(const std::vector<at::Tensor>& outputs) {
  at::Tensor loss = at::zeros({});
  for (const at::Tensor& output : outputs) {
    loss = loss + (output * at::linspace(-1, 1, output.numel()).view_as(output)).sum();
  }
  return loss;
}

Value train_step(const Model& model, std::int64_t size) {
  disturb(model);
  torch::manual_seed(9);
  const at::Tensor images = at::rand({3, 3, size, size});
  torch::manual_seed(10);
  model.train();
  const std::vector<at::Tensor> outputs = models::forward_with_auxiliary(model, images);
  loss_of(outputs).backward();
  List logits;
  for (const at::Tensor& output : outputs) logits.emplace_back(from_torch(output.detach()));
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : model->parameters()) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  model.eval();
  const torch::NoGradGuard no_grad;
  return dict({{"outputs", Value(std::move(logits))},
               {"gradients", from_torch(sample(gradients))},
               {"buffers", from_torch(sample(model->buffers()))},
               {"evaluated", from_torch(model.forward(images).contiguous())},
               {"state_dict", state_dict(*model)}});
}

// NAME...: the names and shapes of the state dicts, as JSON.
void zoo_forms(const Arguments& arguments) {
  nlohmann::ordered_json json;
  const SkipInitialisation skip;
  for (const std::string& name : arguments) json[name] = form_json(models::create(name));
  std::cout << json << std::endl;
}

// OUT NAME SIZE NAME SIZE...: the digests of the initial values as JSON, and what a step of
// training on images of that size does.
void zoo_steps(const Arguments& arguments) {
  nlohmann::ordered_json json;
  Dict steps;
  for (std::size_t i = 1; i + 1 < arguments.size(); i += 2) {
    torch::manual_seed(7);
    const Model model = models::create(arguments[i]);
    json[arguments[i]] = digests_json(model);
    steps.set(Value(arguments[i]), train_step(model, std::stoll(arguments[i + 1])));
  }
  save(Value(std::move(steps)), arguments.at(0), kSaveCached);
  std::cout << json << std::endl;
}

// NAME WEIGHTS INPUT OUT: the outputs in evaluation mode of a model with published or local
// weights.
void zoo_outputs(const Arguments& arguments) {
  const Model model = models::create(arguments.at(0), {.weights = arguments.at(1)});
  model.eval();
  const torch::NoGradGuard no_grad;
  const at::Tensor images = to_torch(load(arguments.at(2)).as_tensor());
  save(from_torch(model.forward(images)), arguments.at(3), kSaveCached);
}

// The names of all models.
void zoo_names(const Arguments&) {
  for (const std::string& name : model_names()) std::cout << name << '\n';
}

}  // namespace

Commands zoo_commands() {
  return {{"zoo_forms", zoo_forms},
          {"zoo_steps", zoo_steps},
          {"zoo_outputs", zoo_outputs},
          {"zoo_names", zoo_names}};
}

}  // namespace torchkeep::interop
