#include <torchkeep/error.h>
#include <torchkeep/module_tree.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using Entries = std::vector<std::pair<std::string, Value>>;

Value dict_of(const Entries& entries) {
  Dict dict(Dict::Type::ordered);
  for (const auto& [key, value] : entries) dict.set(key, value);
  return dict;
}

// An instance of a module class as a pickle holds it.
Value module(const std::string& class_path,
             const Entries& children,
             const Entries& parameters = {},
             const Entries& attributes = {}) {
  const std::size_t dot = class_path.rfind('.');
  Object object = Object::instance(
      Object::global(class_path.substr(0, dot), class_path.substr(dot + 1)), Tuple{});
  Dict state;
  state.set("training", true);
  state.set("_parameters", dict_of(parameters));
  state.set("_buffers", dict_of({}));
  state.set("_modules", dict_of(children));
  for (const auto& [key, value] : attributes) state.set(key, value);
  object.state = Value(std::move(state));
  return object;
}

Value parameter(Shape shape, bool requires_grad = true) {
  const auto count = static_cast<std::size_t>(count_elements(shape));
  Tensor tensor = Tensor::of(std::span<const float>(std::vector<float>(count, 1.0F)), shape);
  tensor.set_is_parameter(true);
  tensor.set_requires_grad(requires_grad);
  return tensor;
}

Value linear() {
  return module("torch.nn.modules.linear.Linear", {},
                {{"weight", parameter({2, 3})}, {"bias", Value()}},
                {{"in_features", 3}, {"out_features", 2}, {"_private", 4}});
}

Value sequential(const Entries& children) {
  return module("torch.nn.modules.container.Sequential", children);
}

std::vector<std::string> paths(const ModuleTree& tree) {
  std::vector<std::string> result;
  for_each_module(tree,
                  [&](const std::string& path, const ModuleNode&) { result.push_back(path); });
  return result;
}

std::vector<std::string> names(const StateDict& state_dict) {
  std::vector<std::string> result;
  for (const auto& entry : state_dict) result.push_back(entry.name);
  return result;
}

TEST(ModuleTree, HoldsClassesHyperParametersAndTensors) {
  const ModuleTree tree = module_tree(sequential({{"0", linear()}, {"1", Value()}}));
  ASSERT_EQ(tree.modules.size(), 2U);
  EXPECT_EQ(tree.root().class_path, "torch.nn.modules.container.Sequential");
  ASSERT_EQ(tree.root().children.size(), 2U);
  EXPECT_EQ(tree.root().child("0")->module, 1U);
  EXPECT_FALSE(tree.root().child("1")->module.has_value());
  const ModuleNode& layer = tree.modules[1];
  EXPECT_EQ(layer.attributes.find("in_features")->as_int(), 3);
  EXPECT_EQ(layer.attributes.size(), 3U);
  EXPECT_EQ(layer.parameter("weight")->as_tensor().shape(), Shape({2, 3}));
  EXPECT_TRUE(layer.parameter("bias")->is_none());
  EXPECT_EQ(layer.parameter("other"), nullptr);
}

TEST(ModuleTree, KeepsASharedModuleOnceAndAfterAllItsParents) {
  const Value shared = linear();
  const ModuleTree tree =
      module_tree(sequential({{"a", shared}, {"b", sequential({{"c", shared}})}}));
  ASSERT_EQ(tree.modules.size(), 3U);
  EXPECT_EQ(tree.modules[2].class_path, "torch.nn.modules.linear.Linear");
  EXPECT_THAT(paths(tree), ElementsAre("", "a", "b", "b.c"));
  EXPECT_EQ(count_parameters(tree).all, 6);
}

TEST(ModuleTree, CountsTiedAndFrozenParameters) {
  const Value tied = parameter({2, 2});
  const auto layer = [](const Value& weight) {
    return module("torch.nn.modules.linear.Linear", {}, {{"weight", weight}});
  };
  const ModuleTree tree = module_tree(
      sequential({{"0", layer(tied)}, {"1", layer(tied)}, {"2", layer(parameter({3}, false))}}));
  EXPECT_EQ(count_parameters(tree).all, 7);
  EXPECT_EQ(count_parameters(tree).trainable, 4);
}

TEST(ModuleTree, ReadsParametersOfTheOldestReleases) {
  const Value old = Object::call(Object::global("torch.nn.parameter", "Parameter"),
                                 tuple({Tensor::of<float>({1, 2}, {2}), false}));
  const ModuleTree tree =
      module_tree(module("torch.nn.modules.linear.Linear", {}, {{"weight", old}, {"again", old}}));
  const Value& weight = *tree.root().parameter("weight");
  ASSERT_TRUE(weight.is_tensor());
  EXPECT_TRUE(weight.as_tensor().is_parameter());
  EXPECT_FALSE(weight.as_tensor().requires_grad());
  EXPECT_EQ(weight.identity(), tree.root().parameter("again")->identity());
}

TEST(ModuleTree, IsFoundInACheckpoint) {
  const Value net = sequential({});
  EXPECT_EQ(find_module(net)->key, "");
  const Value checkpoint = dict({{"epoch", 3}, {"model", net}});
  const auto found = find_module(checkpoint);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->key, "model");
  EXPECT_EQ(found->module->identity(), net.identity());
  EXPECT_FALSE(find_module(dict({{"epoch", 3}})).has_value());
  EXPECT_ERROR(module_tree(3), ErrorCode::mismatch, HasSubstr("no pickled torch.nn.Module"));
}

TEST(ModuleTree, StateDictIsThatOfPython) {
  Value norm = module("torch.nn.modules.batchnorm.BatchNorm1d", {}, {{"weight", parameter({2})}});
  Dict& state = norm.as_object().state.as_dict();
  state.set("_buffers", dict_of({{"running_mean", Tensor::of<float>({0, 0}, {2})},
                                 {"scratch", Tensor::of<float>({0}, {1})},
                                 {"absent", Value()}}));
  state.set("_non_persistent_buffers_set", Set{{"scratch"}});
  const StateDict found =
      state_dict(module_tree(sequential({{"0", linear()}, {"1", Value()}, {"2", norm}})));
  EXPECT_THAT(names(found), ElementsAre("0.weight", "2.weight", "2.running_mean"));
  EXPECT_FALSE(found["0.weight"].requires_grad());
  EXPECT_FALSE(found["0.weight"].is_parameter());
  EXPECT_EQ(to_string(found.metadata()),
            "OrderedDict({'': {'version': 1}, '0': {'version': 1}, '2': {'version': 2}})");
}

TEST(ModuleTree, StateDictRefusesAParameterThatIsNoTensor) {
  const Value odd =
      Object::call(Object::global("torch._utils", "_rebuild_nested_tensor"), tuple({}));
  EXPECT_ERROR(state_dict(module_tree(sequential(
                   {{"0", module("torch.nn.modules.linear.Linear", {}, {{"weight", odd}})}}))),
               ErrorCode::unsupported, HasSubstr("0.weight"));
}

TEST(ModuleTree, ReadsWhatItWrites) {
  const Value shared = linear();
  Value root = sequential({{"0", shared}, {"1", Value()}, {"2", shared}});
  root.as_object().state.as_dict().set("_forward_hooks",
                                       dict_of({{"1", Object::global("__main__", "print_shape")}}));
  for (const Layout layout : {Layout::latest, Layout::torch_1_13}) {
    const ModuleTree tree = module_tree(to_value(module_tree(root), layout));
    EXPECT_EQ(to_string(tree), to_string(module_tree(root)));
    EXPECT_EQ(tree.modules.size(), 2U);
    EXPECT_TRUE(tree.root().hooks.contains("_forward_hooks"));
    EXPECT_EQ(tree.modules[1].attributes.size(), 3U);
  }
  const Value newest = to_value(module_tree(root));
  EXPECT_NE(newest.as_object().attribute("_forward_hooks_with_kwargs"), nullptr);
  const Value old = to_value(module_tree(root), Layout::torch_1_13);
  EXPECT_EQ(old.as_object().attribute("_forward_hooks_with_kwargs"), nullptr);
}

TEST(ModuleTree, TextHasALineForEachModule) {
  const std::string text = to_string(
      module_tree(sequential({{"0", linear()}, {"1", module("my_project.net.Block", {})}})));
  EXPECT_EQ(text,
            "Sequential\n"
            "  0: Linear(in_features=3, out_features=2)  weight [2, 3]\n"
            "  1: my_project.net.Block\n"
            "6 parameters, 6 trainable\n");
}

TEST(ModuleTree, RefusesAModuleBelowItself) {
  const Value inner = sequential({});
  const Value outer = sequential({{"inner", inner}});
  inner.as_object().state.as_dict().set("_modules", dict_of({{"outer", outer}}));
  EXPECT_ERROR(module_tree(outer), ErrorCode::corrupt, HasSubstr("inner.outer"));
  inner.as_object().state.as_dict().set("_modules", dict_of({}));
}

TEST(ModuleTree, RefusesMoreModulesThanTheLimit) {
  Limits limits;
  limits.max_modules = 1000;
  Entries many;
  for (int i = 0; i < 1001; ++i) many.emplace_back(std::to_string(i), Value());
  EXPECT_ERROR(module_tree(sequential(many), limits), ErrorCode::unsafe, HasSubstr("max_modules"));
  // Each level doubles the paths to what is below.
  Value doubled = linear();
  for (int i = 0; i < 40; ++i) doubled = sequential({{"a", doubled}, {"b", doubled}});
  EXPECT_ERROR(module_tree(doubled, limits), ErrorCode::unsafe, HasSubstr("max_modules"));
}

TEST(ModuleTree, RefusesTooManyLevels) {
  Value deep = linear();
  for (int i = 0; i < 1000; ++i) deep = sequential({{"a", deep}});
  EXPECT_ERROR(module_tree(deep), ErrorCode::unsafe, HasSubstr("levels"));
}

TEST(ModuleTree, RefusesPartsThatAreNone) {
  EXPECT_ERROR(module_tree(sequential({{"0", 3}})), ErrorCode::corrupt,
               HasSubstr("a child is a int"));
  EXPECT_ERROR(module_tree(sequential({{"a.b", linear()}})), ErrorCode::corrupt,
               HasSubstr("'a.b' is no name"));
  Value odd = linear();
  odd.as_object().state.as_dict().set("_parameters", list({}));
  EXPECT_ERROR(module_tree(sequential({{"0", odd}})), ErrorCode::corrupt,
               HasSubstr("_parameters of a module is a list"));
}

}  // namespace
}  // namespace torchkeep
