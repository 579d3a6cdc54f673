#include <filesystem>

#include <torchkeep/convert.h>
#include <torchkeep/error.h>
#include <torchkeep/freeze.h>
#include <torchkeep/model_summary.h>
#include <torchkeep/models.h>
#include <torchkeep/module.h>

#include <ATen/ops/rand.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

torch::nn::Sequential net() {
  return torch::nn::Sequential(torch::nn::Linear(4, 3), torch::nn::BatchNorm1d(3),
                               torch::nn::Tanh());
}

// A user's class with the path of a Python class; its head is built from the file.
struct PathNetImpl : torch::nn::Module {
  explicit PathNetImpl(const ModuleParts& parts) : width(parts.attributes()["width"].as_int()) {
    body = register_module("body", torch::nn::Linear(4, width));
    if (!parts.node()) return;
    head = parts.child("head");
    register_module("head", head.ptr());
  }
  at::Tensor forward(const at::Tensor& x) { return head.forward(body(x)); }

  std::int64_t width;
  torch::nn::Linear body{nullptr};
  Model head;
};

void register_path_net() {
  static const bool registered = [] {
    register_model<PathNetImpl>(
        "my_project.PathNet",
        [](const ModuleParts& parts) { return std::make_shared<PathNetImpl>(parts); },
        [](const PathNetImpl& path_net) {
          return dict({{"width", path_net.width}});
        });
    return true;
  }();
  static_cast<void>(registered);
}

// What Python's torch.save would write for such a class.
ModuleTree path_net_tree() {
  const torch::nn::Linear body(4, 5);
  const torch::nn::Linear head(5, 2);
  const testing::TemporaryDirectory directory;
  const auto read = [&](const torch::nn::Module& module) {
    save_model(module, directory / "part.pt");
    return module_tree(load(directory / "part.pt")).root();
  };
  ModuleNode root;
  root.class_path = "my_project.PathNet";
  root.attributes.set("width", 5);
  root.children = {{"body", 1}, {"head", 2}};
  ModuleTree tree{{root, read(*body), read(*head)}};
  tree.modules[2].training = false;
  return tree;
}

TEST(PythonModel, ComesBackFromAFileWithEverything) {
  const testing::TemporaryDirectory directory;
  torch::nn::Sequential original = net();
  freeze(*original, "0.*");
  original->eval();
  original->ptr(2)->train();
  save_model(original, directory / "model.pt");
  const Value value = load(directory / "model.pt");
  EXPECT_EQ(value.as_object().class_path(), "torch.nn.modules.container.Sequential");

  const Model again = load_model(directory / "model.pt");
  EXPECT_EQ(again.architecture(), "torch.nn.modules.container.Sequential");
  EXPECT_EQ(frozen_parameters(*again), frozen_parameters(*original));
  EXPECT_FALSE(again->named_modules("", false)["1"]->is_training());
  EXPECT_TRUE(again->named_modules("", false)["2"]->is_training());
  const at::Tensor x = at::rand({2, 4});
  EXPECT_TRUE(again.forward(x).equal(original->forward(x)));
}

TEST(PythonModel, IsWrittenAsPlainValuesToo) {
  const testing::TemporaryDirectory directory;
  torch::nn::Sequential original = net();
  freeze(*original, "1.*");
  save_model(original, directory / "model.pt");
  Model model = load_model(directory / "model.pt");
  model.set_configuration("classes", list({"a", "b"}));
  const Model again = model_from_value(to_value(model));
  EXPECT_TRUE(equal(again.configuration(), model.configuration()));
  EXPECT_EQ(frozen_parameters(*again), frozen_parameters(*original));
  original->eval();
  again.eval();
  const at::Tensor x = at::rand({2, 4});
  EXPECT_TRUE(again.forward(x).equal(original->forward(x)));
  // A changed form does not fit the parameters.
  Dict changed = to_value(model).as_dict();
  changed.set("state_dict", state_dict(*torch::nn::Linear(2, 2)));
  EXPECT_ERROR(model_from_value(changed), ErrorCode::not_found, HasSubstr("no tensor"));
}

TEST(PythonModel, OfTheZooIsRecognisedAndKeepsWhatWasAdded) {
  const testing::TemporaryDirectory directory;
  Model model = models::resnet18({.num_classes = 3});
  model.set_configuration("classes", list({"a", "b", "c"}));
  model.eval();
  save_model(model, directory / "model.pt");
  const Model again = load_model(directory / "model.pt");
  EXPECT_EQ(again.architecture(), "resnet18");
  EXPECT_EQ(again.configuration()["classes"].size(), 3U);
  EXPECT_EQ(again.configuration()["num_classes"].as_int(), 3);
  const at::Tensor x = at::rand({1, 3, 32, 32});
  EXPECT_TRUE(again.forward(x).equal(model.forward(x)));
  replace_head(*again, 5);
  EXPECT_EQ(again.configuration()["num_classes"].as_int(), 5);
}

TEST(PythonModel, OfTheZooWithOtherLayersGoesByItsClass) {
  const testing::TemporaryDirectory directory;
  save_model(models::resnet18({.num_classes = 3}), directory / "model.pt");
  ModuleTree tree = module_tree(load(directory / "model.pt"));
  // fc = Sequential(Dropout(), Linear)
  const std::size_t fc = *tree.root().child("fc")->module;
  ModuleNode dropout;
  dropout.class_path = "torch.nn.modules.dropout.Dropout";
  tree.modules.push_back(dropout);
  tree.modules.push_back(tree.modules[fc]);
  ModuleNode head;
  head.class_path = "torch.nn.modules.container.Sequential";
  head.children = {{"0", tree.modules.size() - 2}, {"1", tree.modules.size() - 1}};
  tree.modules[fc] = head;
  const Model model = model_from_value(to_value(tree));
  EXPECT_EQ(model.architecture(), "torchvision.models.resnet.ResNet");
  EXPECT_EQ(model.forward(at::rand({2, 3, 32, 32})).size(1), 3);

  // Sizes that only the attributes have.
  ModuleTree absurd = module_tree(load(directory / "model.pt"));
  const std::size_t convolution = *absurd.root().child("conv1")->module;
  absurd.modules[convolution].attributes.set("in_channels", std::int64_t{1} << 60);
  EXPECT_EQ(model_from_value(to_value(absurd)).architecture(), "torchvision.models.resnet.ResNet");
}

TEST(PythonModel, OfARegisteredClassGetsAttributesAndChildren) {
  register_path_net();
  const ModuleTree tree = path_net_tree();
  const Model model = model_from_value(to_value(tree));
  EXPECT_EQ(model.architecture(), "my_project.PathNet");
  EXPECT_EQ(dynamic_cast<PathNetImpl&>(*model).width, 5);
  EXPECT_TRUE(equal(Value(state_dict(*model)), Value(state_dict(tree))));
  EXPECT_FALSE(model->named_modules("", false)["head"]->is_training());
  EXPECT_EQ(model.forward(at::rand({2, 4})).size(1), 2);

  const testing::TemporaryDirectory directory;
  save_model(model, directory / "model.pt");
  EXPECT_EQ(to_string(module_tree(load(directory / "model.pt"))), to_string(tree));
}

TEST(PythonModel, OfARegisteredClassIsWrittenAsPlainValuesToo) {
  register_path_net();
  const Model model = model_from_value(to_value(path_net_tree()));
  const Model again = model_from_value(to_value(model));
  EXPECT_TRUE(equal(Value(state_dict(*again)), Value(state_dict(*model))));
  EXPECT_EQ(again.configuration()["width"].as_int(), 5);
}

TEST(PythonModel, OfAnUnknownClassIsExplained) {
  ModuleTree tree = path_net_tree();
  tree.modules.front().class_path = "my_project.Other";
  EXPECT_ERROR(model_from_value(to_value(tree)), ErrorCode::not_found,
               AllOf(HasSubstr("the class my_project.Other is not registered"),
                     HasSubstr("register_model<YourNetImpl>(\"my_project.Other\""),
                     HasSubstr("state_dict(module_tree(load(path)))"),
                     HasSubstr("body: Linear(in_features=4, out_features=5)")));
}

TEST(PythonModel, WithAClassThatPythonLacksIsNotWritten) {
  struct MineImpl : torch::nn::Module {
    at::Tensor forward(const at::Tensor& x) { return x; }
  };
  const testing::TemporaryDirectory directory;
  torch::nn::Sequential mixed(torch::nn::ReLU(), std::make_shared<MineImpl>());
  EXPECT_ERROR(save_model(mixed, directory / "model.pt"), ErrorCode::invalid_argument,
               AllOf(HasSubstr("1: Python has no class for"), HasSubstr("MineImpl"),
                     HasSubstr("register_model<")));
  EXPECT_FALSE(std::filesystem::exists(directory / "model.pt"));
}

TEST(LoadModel, TakesAnArchitectureForAFileOfParameters) {
  const testing::TemporaryDirectory directory;
  const Model model = models::tiny_vgg({.num_classes = 3});
  save(state_dict(*model), directory / "weights.pt");
  EXPECT_ERROR(load_model(directory / "weights.pt"), ErrorCode::invalid_argument,
               HasSubstr("name its architecture"));
  // The head tells the number of classes.
  const Model again = load_model(directory / "weights.pt", {.architecture = "tiny_vgg"});
  EXPECT_TRUE(equal(Value(state_dict(*again)), Value(state_dict(*model))));
  EXPECT_EQ(again.configuration()["num_classes"].as_int(), 3);
  EXPECT_ERROR(load_model(directory / "weights.pt", {.architecture = "tiny_vgg",
                                                     .configuration = dict({{"num_classes", 4}})}),
               ErrorCode::mismatch, HasSubstr("classifier.2.weight"));
  // A whole model gives its parameters.
  save_model(models::resnet18({.num_classes = 4}), directory / "resnet.pt");
  EXPECT_EQ(load_model(directory / "resnet.pt", {.architecture = "resnet18"}).architecture(),
            "resnet18");
}

TEST(LoadModel, RunsTorchScriptOnlyIfAsked) {
  const testing::TemporaryDirectory directory;
  torch::jit::Module script("program");
  script.register_parameter("weight", at::rand({2}), /*is_buffer=*/false);
  script.define("def forward(self, x):\n  return x + self.weight\n");
  const std::string path = (directory / "script.pt").string();
  script.save(path);
  EXPECT_ERROR(load_model(path), ErrorCode::unsafe, HasSubstr("TorchScript archive is a program"));
  const Model model = load_model(path, {.torchscript = LoadModelOptions::TorchScript::allow});
  const at::Tensor x = at::rand({2});
  EXPECT_TRUE(model.forward(x).equal(x + model->named_parameters()["weight"]));
  EXPECT_EQ(model.architecture(), "torchscript");
}

TEST(ModelSummary, CountsParametersAndShowsShapes) {
  const testing::TemporaryDirectory directory;
  torch::nn::Sequential original = net();
  freeze(*original, "0.*");
  save_model(original, directory / "model.pt");
  const Model model = load_model(directory / "model.pt");
  const ModelSummary summary = summarise(model, at::rand({2, 4}));
  ASSERT_EQ(summary.layers.size(), 4U);
  EXPECT_EQ(summary.layers[1].class_name, "Linear");
  EXPECT_EQ(summary.layers[1].output, Shape({2, 3}));
  EXPECT_EQ(summary.layers[0].output, Shape({2, 3}));
  EXPECT_EQ(summary.parameters, 15 + 6);
  EXPECT_EQ(summary.trainable, 6);
  EXPECT_TRUE(model->is_training());
  EXPECT_THAT(to_string(summary), HasSubstr("21 parameters, 6 trainable, 15 frozen"));
  EXPECT_THAT(to_json(summary), HasSubstr("\"output\": [\n        2,\n        3\n      ]"));
  EXPECT_FALSE(summarise(model).layers[1].output.has_value());
}

}  // namespace
}  // namespace torchkeep
