#include "nn/layer_builder.h"

#include <torchkeep/convert.h>
#include <torchkeep/error.h>

#include <ATen/ops/rand.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/functional/instancenorm.h>  // before its module, which lacks it
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>

#include "nn/layer_tree.h"
#include "nn/sequence.h"
#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

ModuleTree tree(const torch::nn::Module& module) {
  return tree_of(module, [](const torch::nn::Module&) -> ClassDescription {
    throw Error(ErrorCode::invalid_argument, "unknown to Python");
  });
}

Layer build(const ModuleTree& tree) {
  return LayerBuilder(tree,
                      [](LayerBuilder&, std::size_t) -> Layer {
                        throw Error(ErrorCode::not_found, "unknown to C++");
                      })
      .run();
}

torch::nn::Sequential small_net() {
  return torch::nn::Sequential(torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 2, 3).padding(1)),
                               torch::nn::BatchNorm2d(2), torch::nn::ReLU(), torch::nn::Flatten(),
                               torch::nn::Linear(torch::nn::LinearOptions(32, 3).bias(false)));
}

TEST(LayerBuilder, GivesTheModulesThatTheTreeWasMadeOf) {
  torch::nn::Sequential net = small_net();
  net->ptr(0)->as<torch::nn::Conv2d>()->weight.set_requires_grad(false);
  net->eval();
  net->ptr(2)->train();
  const ModuleTree described = tree(*net);
  const Layer layer = build(described);
  EXPECT_EQ(to_string(tree(*layer.module)), to_string(described));
  const at::Tensor x = at::rand({2, 1, 4, 4});
  EXPECT_TRUE(layer(x).equal(net->forward(x)));
  const auto modules = layer.module->named_modules("", false);
  EXPECT_FALSE(modules["1"]->is_training());
  EXPECT_TRUE(modules["2"]->is_training());
  EXPECT_FALSE(layer.module->named_parameters()["0.weight"].requires_grad());
  EXPECT_TRUE(layer.module->named_parameters()["0.bias"].requires_grad());
  EXPECT_NE(modules["4"]->as<torch::nn::Linear>(), nullptr);
}

TEST(LayerBuilder, KeepsTiedParametersAndSharedModules) {
  torch::nn::Linear a(3, 3);
  torch::nn::Sequential net(a, torch::nn::Tanh(), torch::nn::Linear(3, 3), a);
  ModuleTree described = tree(*net);
  ASSERT_EQ(described.modules.size(), 4U);
  // The other Linear gets the weight of the first.
  const std::size_t first = *described.root().children[0].module;
  const std::size_t other = *described.root().children[2].module;
  described.modules[other].parameters[0] = described.modules[first].parameters[0];
  const Layer layer = build(described);
  const auto parameters = layer.module->named_parameters();
  EXPECT_TRUE(parameters["0.weight"].is_same(parameters["2.weight"]));
  EXPECT_FALSE(parameters["0.bias"].is_same(parameters["2.bias"]));
  const auto modules = layer.module->named_modules("", false);
  EXPECT_EQ(modules["0"], layer.module->named_children()["3"]);
  EXPECT_TRUE(modules["2"]->as<torch::nn::Linear>()->weight.is_same(parameters["0.weight"]));
  EXPECT_EQ(count_parameters(tree(*layer.module)).all, 9 + 3 + 3);
}

TEST(LayerBuilder, TakesWhatOldReleasesLeftOut) {
  const torch::nn::BatchNorm1d norm(2);
  ModuleTree described = tree(*norm);
  ModuleNode& node = described.modules.front();
  node.buffers.pop_back();  // num_batches_tracked
  node.attributes.erase("track_running_stats");
  const Layer layer = build(described);
  EXPECT_EQ(layer.module->named_buffers()["num_batches_tracked"].item<std::int64_t>(), 0);
  layer(at::rand({3, 2}));
  EXPECT_EQ(layer.module->named_buffers()["num_batches_tracked"].item<std::int64_t>(), 1);
}

TEST(LayerBuilder, ARecurrentLayerComputesWithTheParametersOfTheTree) {
  torch::nn::LSTM lstm(torch::nn::LSTMOptions(3, 4).num_layers(2).bidirectional(true));
  const Layer layer = build(tree(*lstm));
  const at::Tensor x = at::rand({5, 2, 3});
  EXPECT_TRUE(layer(x).equal(std::get<0>(lstm->forward(x))));
  EXPECT_TRUE(layer.gives_tuple);
  Stack stack;
  stack.push(layer);
  stack.push(torch::nn::Tanh());
  EXPECT_ERROR(stack.layer()(x), ErrorCode::unsupported, HasSubstr("layer 0"));
}

TEST(LayerBuilder, RefusesSizesThatTheTensorsDoNotHave) {
  const torch::nn::LSTM lstm(3, 4);
  ModuleTree absurd = tree(*lstm);
  absurd.modules.front().attributes.set("num_layers", std::int64_t{1} << 40);
  EXPECT_ERROR(build(absurd), ErrorCode::mismatch, HasSubstr("num_layers="));
  const torch::nn::Conv2d convolution(1, 1, 3);
  absurd = tree(*convolution);
  absurd.modules.front().attributes.set("kernel_size", std::int64_t{1} << 30);
  EXPECT_ERROR(build(absurd), ErrorCode::mismatch, HasSubstr("expected a kernel"));
  absurd.modules.front().parameters.clear();
  EXPECT_ERROR(build(absurd), ErrorCode::mismatch, HasSubstr("without a weight"));
  const torch::nn::MultiheadAttention attention(4, 2);
  absurd = tree(*attention);
  absurd.modules.front().attributes.set("embed_dim", std::int64_t{1} << 40);
  EXPECT_ERROR(build(absurd), ErrorCode::mismatch, HasSubstr("in_proj_weight"));
}

TEST(LayerBuilder, NamesTheModuleThatCannotBeBuilt) {
  torch::nn::Sequential net = small_net();
  ModuleTree described = tree(*net);
  const std::size_t linear = *described.root().children[4].module;
  described.modules[linear].attributes.set("in_features", "many");
  EXPECT_ERROR(build(described), ErrorCode::mismatch, HasSubstr("in_features"));
  described.modules[linear].class_path = "my.Layer";
  EXPECT_ERROR(build(described), ErrorCode::not_found, AllOf(HasSubstr("4"), HasSubstr("unknown")));
}

TEST(LayerTree, NamesTheModuleThatPythonDoesNotHave) {
  struct MineImpl : torch::nn::Module {
    at::Tensor forward(const at::Tensor& x) { return x; }
  };
  torch::nn::Sequential net(torch::nn::ReLU(), std::make_shared<MineImpl>());
  EXPECT_ERROR(tree(*net), ErrorCode::invalid_argument, HasSubstr("1: unknown to Python"));
}

}  // namespace
}  // namespace torchkeep
