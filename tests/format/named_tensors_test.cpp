#include "format/named_tensors.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::vector<std::string> names(const NamedTensors& named) {
  std::vector<std::string> result;
  for (const NamedTensor& tensor : named.tensors) result.push_back(tensor.name);
  return result;
}

NamedTensors collect(const Value& value, SharedTensors shared = SharedTensors::refuse) {
  return named_tensors(value, NestedDicts::flatten, shared, "x");
}

Tensor vector(const Tensor& base, std::int64_t begin, std::int64_t size, std::int64_t stride = 1) {
  return Tensor(base.storage(), base.dtype(), {size}, {stride}, begin);
}

TEST(NamedTensors, JoinsTheKeysOfNestedDicts) {
  const Value value = dict({{"b", Tensor::scalar(1.0F)},
                            {"a", dict({{"x", Tensor::scalar(2.0F)}, {"empty", dict({})}})},
                            {"c", dict({{"d", dict({{"e", Tensor::scalar(3.0F)}})}})}});
  EXPECT_THAT(names(collect(value)), ElementsAre("b", "a.x", "c.d.e"));
}

TEST(NamedTensors, VisitsADictUnderEachOfItsNames) {
  const Value inner = dict({{"x", Tensor::scalar(2.0F)}});
  EXPECT_THAT(names(collect(dict({{"a", inner}, {"b", inner}}), SharedTensors::copy)),
              ElementsAre("a.x", "b.x"));
}

TEST(NamedTensors, RefusesCyclesDeepOnesIncluded) {
  const Value inner = dict({});
  const Value outer = dict({{"a", inner}});
  inner.as_dict().set("b", outer);
  EXPECT_ERROR(collect(outer), ErrorCode::unsupported,
               HasSubstr("a.b.: a dict that contains itself"));
  inner.as_dict().clear();
}

TEST(NamedTensors, DoesNotRecurse) {
  Value value = dict({{"x", Tensor::scalar(1.0F)}});
  for (int i = 0; i < 100'000; ++i) value = dict({{"a", value}});
  EXPECT_EQ(collect(value).tensors.size(), 1U);
}

TEST(NamedTensors, RefusesTwoTensorsOfOneName) {
  EXPECT_ERROR(
      collect(dict({{"a.b", Tensor::scalar(1.0F)}, {"a", dict({{"b", Tensor::scalar(2.0F)}})}})),
      ErrorCode::invalid_argument, HasSubstr("a.b: two tensors would have this name"));
}

TEST(NamedTensors, NamesTheKeyThatIsNoTensor) {
  EXPECT_ERROR(collect(dict({{"a", dict({{"b", list({1})}})}})), ErrorCode::unsupported,
               HasSubstr("a.b: a x file holds tensors only (got list)"));
  EXPECT_ERROR(collect(dict({{"o", Object::global("m", "C")}})), ErrorCode::unsupported,
               HasSubstr("got an object of m.C"));
}

TEST(NamedTensors, KeepsOneOfTensorsThatAreTheSame) {
  const Tensor base = Tensor::of<float>({0, 1, 2, 3, 4, 5}, {6});
  const Value value = dict({{"c", vector(base, 0, 2)},
                            {"b", vector(base, 2, 2)},
                            {"a", vector(base, 0, 2)},
                            {"d", vector(base, 0, 2)}});
  const NamedTensors named = collect(value, SharedTensors::keep_one);
  EXPECT_THAT(names(named), ElementsAre("b", "a"));
  EXPECT_THAT(named.aliases, ElementsAre(Pair("c", "a"), Pair("d", "a")));
  EXPECT_THAT(names(collect(value, SharedTensors::copy)), ElementsAre("c", "b", "a", "d"));
}

TEST(NamedTensors, RefusesTensorsThatOverlap) {
  const Tensor base = Tensor::of<float>({0, 1, 2, 3, 4, 5}, {6});
  const Tensor others[] = {vector(base, 1, 2), vector(base, 0, 3), vector(base, 0, 2, 2),
                           Tensor(base.storage(), DType::float32, {2, 1}, {1, 1})};
  for (const Tensor& other : others) {
    const Value value = dict({{"a", vector(base, 0, 2)}, {"b", other}});
    EXPECT_ERROR(collect(value), ErrorCode::unsupported,
                 HasSubstr("b: overlaps in memory with \"a\""));
    EXPECT_ERROR(collect(value, SharedTensors::keep_one), ErrorCode::unsupported,
                 HasSubstr("set SaveOptions::shared to copy"));
  }
}

TEST(NamedTensors, TakesPartsOfOneStorageThatDoNotOverlap) {
  const Tensor base = Tensor::of<float>({0, 1, 2, 3, 4, 5}, {6});
  const Value value = dict({{"a", vector(base, 0, 2)},
                            {"b", vector(base, 4, 2)},
                            {"c", vector(base, 2, 2)},
                            {"none", vector(base, 0, 0)}});
  EXPECT_EQ(collect(value).tensors.size(), 4U);
}

}  // namespace
}  // namespace torchkeep
