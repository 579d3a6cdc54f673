#include <cstring>
#include <string>
#include <vector>

#include <torchkeep/convert.h>
#include <torchkeep/freeze.h>
#include <torchkeep/module.h>

#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/functional/instancenorm.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/instancenorm.h>
#include <torch/nn/modules/linear.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace module_test {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Frozen = LoadStateDictOptions::Frozen;
using Strictness = LoadStateDictOptions::Strictness;

torch::nn::Sequential small_net(std::int64_t classes = 3) {
  return torch::nn::Sequential(torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 2, 3).bias(false)),
                               torch::nn::BatchNorm2d(2), torch::nn::Linear(8, classes));
}

std::vector<std::string> names_of(const StateDict& state) {
  std::vector<std::string> names;
  for (const StateDict::Entry& entry : state) names.push_back(entry.name);
  return names;
}

// Every byte of every tensor.
std::vector<std::string> bytes_of(const torch::nn::Module& module) {
  std::vector<std::string> all;
  for (const StateDict::Entry& entry : state_dict(module)) {
    const Tensor copy = entry.tensor.contiguous();
    const std::span<const std::byte> bytes = copy.bytes();
    all.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  return all;
}

// A copy that shares nothing with the module.
StateDict copy_of(const StateDict& state) {
  StateDict copy;
  for (const StateDict::Entry& entry : state) copy.set(entry.name, entry.tensor.contiguous());
  copy.set_metadata(state.metadata());
  return copy;
}

TEST(Module, StateDictHasPythonsNamesAndOrder) {
  EXPECT_THAT(names_of(state_dict(*small_net())),
              ElementsAre("0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var",
                          "1.num_batches_tracked", "2.weight", "2.bias"));
}

TEST(Module, MetadataHasAVersionForEveryModule) {
  torch::nn::Sequential net(torch::nn::InstanceNorm2d(2), torch::nn::Linear(2, 2),
                            torch::nn::BatchNorm1d(2));
  const Value metadata = state_dict(*net).metadata();
  EXPECT_TRUE(equal(metadata, ordered_dict({{"", dict({{"version", 1}})},
                                            {"0", dict({{"version", 2}})},
                                            {"1", dict({{"version", 1}})},
                                            {"2", dict({{"version", 2}})}})))
      << to_string(metadata);
}

TEST(Module, StateDictViewsTheModulesMemory) {
  torch::nn::Linear linear(2, 2);
  const StateDict state = state_dict(*linear);
  const c10::NoGradGuard no_grad;
  linear->weight.fill_(7);
  EXPECT_EQ(state["weight"].item_as_double(3), 7.0);
}

TEST(Module, TiedParametersShareTheirStorage) {
  torch::nn::Sequential net(torch::nn::Linear(2, 2), torch::nn::Linear(2, 2));
  net[1]->as<torch::nn::LinearImpl>()->weight.set_data(net[0]->as<torch::nn::LinearImpl>()->weight);
  const StateDict state = state_dict(*net);
  EXPECT_TRUE(state["0.weight"].storage().shares_memory_with(state["1.weight"].storage()));
  EXPECT_FALSE(state["0.weight"].storage().shares_memory_with(state["0.bias"].storage()));
}

TEST(Module, LoadsWhatStateDictGave) {
  auto from = small_net();
  auto to = small_net();
  const LoadReport report = load_state_dict(*to, copy_of(state_dict(*from)));
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.loaded_keys.size(), 8u);
  EXPECT_EQ(bytes_of(*from), bytes_of(*to));
}

TEST(Module, LoadLeavesTheParametersThemselvesInPlace) {
  auto to = small_net();
  const at::Tensor weight = to->parameters()[0];
  load_state_dict(*to, state_dict(*small_net()));
  EXPECT_TRUE(weight.is_same(to->parameters()[0]));
  EXPECT_TRUE(weight.requires_grad());
}

TEST(Module, StrictLoadListsEverythingAndChangesNothing) {
  auto net = small_net();
  StateDict state = copy_of(state_dict(*small_net(5)));
  StateDict other;
  for (const StateDict::Entry& entry : state) {
    other.set(entry.name == "0.weight" ? "stem" : entry.name, entry.tensor);
  }
  const auto before = bytes_of(*net);
  EXPECT_ERROR(load_state_dict(*net, other), ErrorCode::mismatch,
               AllOf(HasSubstr("0.weight"), HasSubstr("stem"),
                     HasSubstr("2.weight (expected float32 [3, 8], got float32 [5, 8])"),
                     HasSubstr("2.bias (expected float32 [3], got float32 [5])")));
  EXPECT_EQ(bytes_of(*net), before);
}

TEST(Module, TolerantLoadTakesWhatFits) {
  auto net = small_net();
  auto from = small_net();
  StateDict state;
  state.set("0.weight", copy_of(state_dict(*from))["0.weight"]);
  state.set("extra", Tensor::scalar(1.0F));
  const LoadReport report = load_state_dict(*net, state, {.strictness = Strictness::tolerant});
  EXPECT_THAT(report.loaded_keys, ElementsAre("0.weight"));
  EXPECT_THAT(report.unexpected_keys, ElementsAre("extra"));
  EXPECT_EQ(report.missing_keys.size(), 7u);
  EXPECT_EQ(bytes_of(*net)[0], bytes_of(*from)[0]);
}

TEST(Module, TolerantLoadRefusesAnotherShape) {
  auto net = small_net();
  const auto before = bytes_of(*net);
  EXPECT_ERROR(load_state_dict(*net, copy_of(state_dict(*small_net(5))),
                               {.strictness = Strictness::tolerant}),
               ErrorCode::mismatch, HasSubstr("2.weight"));
  EXPECT_EQ(bytes_of(*net), before);
}

TEST(Module, IgnoresMismatchedSizesWhenAsked) {
  auto net = small_net();
  auto from = small_net(5);
  const auto before = bytes_of(*net);
  const LoadReport report = load_state_dict(*net, copy_of(state_dict(*from)),
                                            {.strictness = Strictness::ignore_mismatched_sizes});
  EXPECT_EQ(report.mismatched_keys.size(), 2u);
  EXPECT_EQ(bytes_of(*net)[0], bytes_of(*from)[0]);
  EXPECT_EQ(bytes_of(*net)[6], before[6]);
}

TEST(Module, ConvertsBetweenFloatingPointTypes) {
  torch::nn::Linear linear(2, 1);
  StateDict state;
  state.set("weight", Tensor::of<double>({0.5, -2.0}, {1, 2}));
  state.set("bias", from_torch(at::ones({1}).to(c10::kHalf)));
  load_state_dict(*linear, state);
  EXPECT_EQ(linear->weight.scalar_type(), c10::kFloat);
  EXPECT_EQ(linear->weight[0][1].item<float>(), -2.0F);
  EXPECT_EQ(linear->bias[0].item<float>(), 1.0F);
}

TEST(Module, RefusesIntegersForFloats) {
  torch::nn::Linear linear(2, 1);
  StateDict state = copy_of(state_dict(*linear));
  state.set("weight", Tensor::of<std::int64_t>({1, 2}, {1, 2}));
  EXPECT_ERROR(load_state_dict(*linear, state), ErrorCode::mismatch,
               HasSubstr("weight (expected float32 [1, 2], got int64 [1, 2])"));
}

TEST(Module, TakesViewsThatAreNotContiguous) {
  torch::nn::Linear linear(2, 2);
  StateDict state = copy_of(state_dict(*linear));
  const Tensor rows = Tensor::of<float>({1, 2, 3, 4}, {2, 2});
  state.set("weight", Tensor(rows.storage(), DType::float32, {2, 2}, {1, 2}));
  load_state_dict(*linear, state);
  EXPECT_EQ(linear->weight[0][1].item<float>(), 3.0F);
}

TEST(Module, SwapsTwoLayersOfOneModel) {
  torch::nn::Sequential net(torch::nn::Linear(2, 2), torch::nn::Linear(2, 2));
  const auto before = bytes_of(*net);
  const StateDict own = state_dict(*net);
  StateDict swapped;
  for (const StateDict::Entry& entry : own) {
    swapped.set((entry.name[0] == '0' ? "1" : "0") + entry.name.substr(1), entry.tensor);
  }
  load_state_dict(*net, swapped);
  EXPECT_THAT(bytes_of(*net), ElementsAre(before[2], before[3], before[0], before[1]));
}

TEST(Module, BatchNormsOfOldFilesHaveNoCount) {
  auto net = small_net();
  net[1]->as<torch::nn::BatchNorm2dImpl>()->num_batches_tracked.fill_(5);
  StateDict state;
  for (const StateDict::Entry& entry : copy_of(state_dict(*small_net()))) {
    if (entry.name != "1.num_batches_tracked") state.set(entry.name, entry.tensor);
  }
  EXPECT_TRUE(load_state_dict(*net, state).ok());
  EXPECT_EQ(net[1]->as<torch::nn::BatchNorm2dImpl>()->num_batches_tracked.item<std::int64_t>(), 0);

  state.set_metadata(ordered_dict({{"1", dict({{"version", 2}})}}));
  EXPECT_ERROR(load_state_dict(*net, state), ErrorCode::mismatch,
               HasSubstr("1.num_batches_tracked"));
}

TEST(Module, ScalarsOfOldFilesHaveOneDimension) {
  auto net = small_net();
  StateDict state = copy_of(state_dict(*net));
  state.set("1.num_batches_tracked", Tensor::of<std::int32_t>({9}, {1}));
  load_state_dict(*net, state);
  EXPECT_EQ(net[1]->as<torch::nn::BatchNorm2dImpl>()->num_batches_tracked.item<std::int64_t>(), 9);
}

TEST(Module, FrozenParametersAreNotedAndAppliedAgain) {
  auto from = small_net();
  freeze(*from, std::vector<std::string>{"1.*", "2.weight"});
  const StateDict state = state_dict(*from);
  EXPECT_TRUE(
      equal(state.metadata()["1"], dict({{"version", 2}, {"frozen", list({"weight", "bias"})}})));
  EXPECT_FALSE(state.metadata()["0"].contains("frozen"));

  auto to = small_net();
  freeze(*to, std::vector<std::string>{"0.weight", "2.bias"});
  load_state_dict(*to, state);
  // The notes speak of modules 1 and 2 only.
  EXPECT_THAT(frozen_parameters(*to), ElementsAre("0.weight", "1.weight", "1.bias", "2.weight"));
  EXPECT_FALSE(to[1]->is_training());
  // The first has no other parameter: it is frozen as a whole.
  EXPECT_FALSE(to[0]->is_training());
  EXPECT_TRUE(to[2]->is_training());
}

TEST(Module, FrozenNotesCanBeIgnored) {
  auto from = small_net();
  freeze(*from, "*");
  auto to = small_net();
  load_state_dict(*to, state_dict(*from), {.frozen = Frozen::keep});
  EXPECT_TRUE(frozen_parameters(*to).empty());
}

TEST(Module, LoadsFromADictOfTensors) {
  auto from = small_net();
  auto to = small_net();
  const Value checkpoint = dict({{"epoch", 3}, {"model", state_dict(*from)}});
  load_state_dict(*to, checkpoint["model"]);
  EXPECT_EQ(bytes_of(*from), bytes_of(*to));
}

TEST(Module, NamesTheKeyOfACheckpointThatHoldsTheStateDict) {
  auto net = small_net();
  const Value checkpoint =
      dict({{"epoch", 3},
            {"teacher", dict({{"weight", Tensor::scalar(1.0F)}})},
            {"nested", dict({{"model_state_dict", state_dict(*small_net())}})}});
  EXPECT_ERROR(load_state_dict(*net, checkpoint), ErrorCode::mismatch,
               AllOf(HasSubstr("key 'epoch' is of kind int"),
                     HasSubstr("pass value[\"nested\"][\"model_state_dict\"], where 8 of 8 keys "
                               "match, or value[\"teacher\"], where 0 of 8")));
  EXPECT_ERROR(load_state_dict(*net, Value(1)), ErrorCode::mismatch, HasSubstr("int"));
}

TEST(Module, RefusesAModelTensorThatCannotBeWrittenTo) {
  torch::nn::Module module;
  module.register_buffer("first", at::ones({2}));
  module.register_buffer("repeated", at::ones({1}).expand({2}));
  StateDict state;
  state.set("first", Tensor::of<float>({5, 6}, {2}));
  state.set("repeated", Tensor::of<float>({5, 6}, {2}));
  EXPECT_ERROR(load_state_dict(module, state), ErrorCode::invalid_argument, HasSubstr("repeated:"));
  EXPECT_EQ(module.buffers()[0][0].item<float>(), 1.0F);
}

TEST(Module, RefusesATypeThatLibTorchLacksBeforeChangingAnything) {
  torch::nn::Linear linear(1, 1);
  const auto before = bytes_of(*linear);
  StateDict state = copy_of(state_dict(*linear));
  state.set("bias", Tensor(Storage::allocate(1), DType::float8_e8m0fnu, {1}));
  state.set("weight", Tensor::of<float>({5}, {1, 1}));
  EXPECT_ERROR(load_state_dict(*linear, state), ErrorCode::unsupported,
               HasSubstr("bias: this LibTorch has no type float8_e8m0fnu"));
  EXPECT_EQ(bytes_of(*linear), before);
}

}  // namespace module_test
}  // namespace torchkeep
