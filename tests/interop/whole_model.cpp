// What whole_model_test.py asks of whole models: all cases of a directory in one process.
#include <filesystem>
#include <fstream>

#include <torchkeep/convert.h>
#include <torchkeep/load.h>
#include <torchkeep/model.h>
#include <torchkeep/models.h>
#include <torchkeep/save.h>

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include "interop/torch_program.h"

namespace torchkeep::interop {

namespace {

namespace fs = std::filesystem;

constexpr SaveOptions kSaveLatest = {.durability = Durability::cached};
constexpr SaveOptions kSave113 = {.layout = Layout::torch_1_13, .durability = Durability::cached};

// A C++ twin of the test's Python class: two layers it builds itself, and one it takes from the
// file.
struct TwinImpl : torch::nn::Module {
  explicit TwinImpl(const ModuleParts& parts)
      : width(parts.attributes()["width"].as_int()), tail(parts.child("tail")) {
    first = register_module("first", torch::nn::Linear(4, width));
    register_module("tail", tail.ptr());
  }
  at::Tensor forward(const at::Tensor& x) { return tail.forward(first(x).relu()) * scale; }

  std::int64_t width;
  double scale = 2.0;
  torch::nn::Linear first{nullptr};
  Model tail;
};

void register_twin() {
  register_model<TwinImpl>(
      "__main__.Twin", [](const ModuleParts& parts) { return std::make_shared<TwinImpl>(parts); },
      [](const TwinImpl& twin) {
        return dict({{"width", twin.width}});
      });
}

// What a loss of the outputs' squares gives in a mode: outputs and gradients.
Value outcome(const Model& model, const at::Tensor& input) {
  model->zero_grad();
  at::Tensor x = input.detach().clone();
  if (x.is_floating_point()) x.set_requires_grad(true);
  torch::manual_seed(0);
  const at::Tensor y = model.forward(x.is_floating_point() ? x * 1 : x);
  Dict gradients;
  if (y.requires_grad()) {
    y.square().sum().backward();
    for (const auto& parameter : model->named_parameters()) {
      if (!parameter.value().grad().defined()) continue;
      at::Tensor gradient = parameter.value().grad();
      if (gradient.is_sparse()) gradient = gradient.to_dense();
      // As the test does: of a large one every 997th element.
      if (gradient.numel() > 100'000) gradient = gradient.flatten().slice(0, 0, c10::nullopt, 997);
      gradients.set(parameter.key(), gradient.contiguous().clone());
    }
  }
  return dict({{"output", y.detach().contiguous().clone()},
               {"input_gradient", x.grad().defined() ? Value(x.grad().contiguous()) : Value()},
               {"gradients", std::move(gradients)}});
}

void run_case(const fs::path& directory, const std::string& name) {
  const auto file = [&](const char* end) { return directory / (name + end); };
  const Model model = load_model(file(".model.pt"));
  save_model(model, file(".back.pt"), kSaveLatest);
  save_model(model, file(".back113.pt"), kSave113);
  save(to_value(model), file(".plain.pt"), kSaveLatest);
  if (!fs::exists(file(".input.pt"))) return;
  const at::Tensor input = to_torch(load(file(".input.pt")).as_tensor());
  Dict results;
  results.set("architecture", model.architecture());
  results.set("as_saved", outcome(model, input));
  const Model plain = load_model(file(".plain.pt"));
  results.set("plain", outcome(plain, input));
  model->train();
  results.set("train", outcome(model, input));
  model->eval();
  results.set("eval", outcome(model, input));
  save(Value(std::move(results)), file(".result.pt"), kSaveLatest);
}

// DIRECTORY: for each line NAME of cases.txt, reads NAME.model.pt and writes what came of it, or
// NAME.error.txt.
void whole_models(const Arguments& arguments) {
  register_twin();
  const fs::path directory = arguments.at(0);
  std::ifstream cases(directory / "cases.txt");
  for (std::string name; std::getline(cases, name);) {
    try {
      run_case(directory, name);
    } catch (const std::exception& error) {
      std::ofstream(directory / (name + ".error.txt")) << error.what();
    }
  }
}

// SEED DIRECTORY ARCHITECTURE...: the pickles of fresh models, with the layout of PyTorch 1.13.
void fresh_models(const Arguments& arguments) {
  const fs::path directory = arguments.at(1);
  for (std::size_t i = 2; i < arguments.size(); ++i) {
    torch::manual_seed(std::stoull(arguments[0]));
    save_model(create_model(arguments[i]), directory / (arguments[i] + ".pt"), kSave113);
  }
}

// OUT: a torch::nn::Sequential made in C++.
void cpp_sequential(const Arguments& arguments) {
  torch::manual_seed(7);
  torch::nn::Sequential net(torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 4, 3).bias(false)),
                            torch::nn::ReLU(), torch::nn::Flatten(), torch::nn::Linear(16, 2));
  net->ptr(0)->eval();
  save_model(net, arguments.at(0), kSaveLatest);
}

}  // namespace

Commands whole_model_commands() {
  return {{"whole_models", whole_models},
          {"fresh_models", fresh_models},
          {"cpp_sequential", cpp_sequential}};
}

}  // namespace torchkeep::interop
