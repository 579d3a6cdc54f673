#include "data/leaves.h"

#include <memory>
#include <string>
#include <vector>

#include <torchkeep/tensor_extras.h>

#include <gmock/gmock.h>

namespace torchkeep {
namespace {

using ::testing::ElementsAre;

// "name=value" of each leaf.
std::vector<std::string> leaves(const Value& root) {
  std::vector<std::string> found;
  visit_leaves(root, [&](const std::string& name, const Value& leaf) {
    found.push_back(name + "=" + to_string(leaf));
  });
  return found;
}

TEST(Leaves, AreNamedByTheKeysAndIndexesOnTheWay) {
  const Value value =
      dict({{"epoch", 3},
            {"optimizer", dict({{"lr", list({0.5, 0.25})}, {"betas", tuple({1, 2})}})},
            {"done", true}});
  EXPECT_THAT(leaves(value),
              ElementsAre("epoch=3", "optimizer.lr.0=0.5", "optimizer.lr.1=0.25",
                          "optimizer.betas.0=1", "optimizer.betas.1=2", "done=True"));
}

TEST(Leaves, OfAValueWithoutPartsHaveNoName) {
  EXPECT_THAT(leaves(7), ElementsAre("=7"));
  EXPECT_THAT(leaves(Tensor::of<float>({1, 2}, {2})), ElementsAre("=tensor(float32 [2])"));
}

TEST(Leaves, KeysOfOtherKindsAreWrittenAsPythonDoes) {
  Dict dict;
  dict.set(0, "zero");
  dict.set(tuple({1, 2}), "pair");
  EXPECT_THAT(leaves(dict), ElementsAre("0='zero'", "(1, 2)='pair'"));
}

TEST(Leaves, EmptyContainersAreLeaves) {
  const Value value = dict({{"a", dict({})}, {"b", list({})}, {"c", tuple({})}});
  EXPECT_THAT(leaves(value), ElementsAre("a={}", "b=[]", "c=()"));
}

TEST(Leaves, ObjectsAreFollowedByWhatTheyHold) {
  Object module = Object::instance(Object::global("my.net", "Net"), tuple({}));
  module.state = dict({{"training", true}, {"weight", Tensor::of<float>({1}, {1})}});
  EXPECT_THAT(
      leaves(dict({{"model", module}})),
      ElementsAre("model=my.net.Net()", "model.training=True", "model.weight=tensor(float32 [1])"));
  const Object device = Object::call(Object::global("torch", "device"), tuple({"cuda", 1}));
  EXPECT_THAT(leaves(device), ElementsAre("=torch.device('cuda', 1)"));
  const Object wrapper =
      Object::call(Object::global("m", "wrap"), tuple({1, Tensor::of<float>({1}, {1})}));
  EXPECT_THAT(leaves(dict({{"w", wrapper}})),
              ElementsAre("w=m.wrap(1, tensor(float32 [1]))", "w.arguments.0=1",
                          "w.arguments.1=tensor(float32 [1])"));
}

TEST(Leaves, AContainerInsideItselfIsALeaf) {
  const Value value = list({1});
  value.as_list().push_back(value);
  std::vector<std::string> names;
  visit_leaves(value, [&](const std::string& name, const Value&) { names.push_back(name); });
  EXPECT_THAT(names, ElementsAre("0", "1"));
  value.as_list().clear();  // a list that holds itself is never freed
}

TEST(Leaves, SharedContainersAreVisitedOnEachPath) {
  const Value shared = list({1});
  EXPECT_THAT(leaves(list({shared, shared})), ElementsAre("0.0=1", "1.0=1"));
}

TEST(Leaves, NestingMayBeDeep) {
  Value value = 1;
  for (int i = 0; i < 10'000; ++i) value = list({value});
  std::size_t name_bytes = 0;
  visit_leaves(value, [&](const std::string& name, const Value&) { name_bytes = name.size(); });
  EXPECT_EQ(name_bytes, 19'999U);
}

TEST(Leaves, ArgumentsOfKnownCallsHaveTheirNames) {
  const Value meta =
      Object::call(Object::global("torch._utils", "_rebuild_meta_tensor_no_storage"),
                   tuple({Object::global("torch", "float32"), tuple({2}), tuple({1}), false}));
  EXPECT_THAT(leaves(dict({{"m", meta}})), ::testing::Contains("m.dtype=<torch.float32>"));
  EXPECT_THAT(leaves(dict({{"m", meta}})), ::testing::Contains("m.requires_grad=False"));
  const Value counter =
      Object::call(Object::global("collections", "Counter"), tuple({dict({{"a", 2}})}));
  EXPECT_THAT(leaves(dict({{"c", counter}})), ::testing::Contains("c.a=2"));
  // With more arguments than are known they have numbers.
  const Value odd = Object::call(Object::global("collections", "Counter"),
                                 tuple({dict({{"a", 2}}), dict({{"b", 2}})}));
  EXPECT_THAT(leaves(dict({{"c", odd}})), ::testing::Contains("c.arguments.1.b=2"));
}

TEST(Leaves, StoragesAreTensors) {
  const Value value = dict({{"typed", Storage::allocate(8, DType::int16)},
                            {"untyped", Storage::allocate(3)},
                            {"packed", Storage::allocate(3, DType::quint4x2)}});
  EXPECT_THAT(leaves(value), ElementsAre("typed=tensor(int16 [4])", "untyped=tensor(uint8 [3])",
                                         "packed=tensor(quint4x2 [6])"));
}

TEST(Leaves, AttributesOfTensorsFollowThem) {
  Tensor tensor = Tensor::of<float>({1}, {1});
  tensor.set_extras(std::make_shared<const TensorExtras>(
      TensorExtras{Object::global("m", "T"), dict({{"tag", "x"}})}));
  EXPECT_THAT(leaves(dict({{"w", tensor}})), ElementsAre("w=tensor(float32 [1])", "w.tag='x'"));
}

}  // namespace
}  // namespace torchkeep
