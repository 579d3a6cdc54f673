#include <torchkeep/state_dict.h>
#include <torchkeep/value.h>

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Value, ConvertsFromWhatUsersWrite) {
  EXPECT_TRUE(Value().is_none());
  EXPECT_TRUE(Value(true).as_bool());
  EXPECT_EQ(Value(3).as_int(), 3);
  EXPECT_EQ(Value(2.5).as_double(), 2.5);
  EXPECT_EQ(Value("text").as_string(), "text");
  EXPECT_EQ(Value(std::uint64_t{7}).as_int(), 7);
  EXPECT_ERROR(Value(~std::uint64_t{0}), ErrorCode::invalid_argument, HasSubstr("64 bits"));
}

TEST(Value, ConvertsNumbersAsPythonUsersExpect) {
  EXPECT_EQ(Value(3).as_double(), 3.0);
  EXPECT_EQ(Value(3.0).as_int(), 3);
  EXPECT_EQ(Value(true).as_int(), 1);
  EXPECT_EQ(Value(Tensor::scalar<float>(12)).as_int(), 12);
  EXPECT_ERROR(Value(3.5).as_int(), ErrorCode::mismatch, HasSubstr("whole number"));
  EXPECT_ERROR(Value(1e300).as_int(), ErrorCode::mismatch, HasSubstr("whole number"));
  EXPECT_ERROR(Value(9223372036854775808.0).as_int(), ErrorCode::mismatch, HasSubstr("whole"));
  EXPECT_EQ(Value(-9223372036854775808.0).as_int(), INT64_MIN);
}

TEST(Value, SaysWhichKindWasExpected) {
  EXPECT_ERROR(Value("x").as_int(), ErrorCode::mismatch, HasSubstr("expected int, got str"));
  EXPECT_ERROR(Value(1).as_tensor(), ErrorCode::mismatch, HasSubstr("expected tensor, got int"));
  EXPECT_ERROR(Value(1).items(), ErrorCode::mismatch, HasSubstr("a list, tuple or set"));
}

TEST(Value, ReachesIntoContainers) {
  const Value value = dict({{"epoch", 3}, {"items", list({1, "two", 3.0})}});
  EXPECT_EQ(value["epoch"].as_int(), 3);
  EXPECT_EQ(value["items"][1].as_string(), "two");
  EXPECT_EQ(value["items"].size(), 3U);
  EXPECT_TRUE(value.contains("epoch"));
  EXPECT_EQ(value.find("loss"), nullptr);
  EXPECT_ERROR(value["loss"], ErrorCode::not_found,
               AllOf(HasSubstr("'loss'"), HasSubstr("'epoch'")));
  EXPECT_ERROR(value["items"][9], ErrorCode::not_found, HasSubstr("no item 9 in a list of 3"));
}

TEST(Value, IsHeldByReference) {
  const Value value = list({1});
  const Value same = value;
  same.as_list().push_back(2);
  EXPECT_EQ(value.size(), 2U);
  EXPECT_EQ(value.identity(), same.identity());
  EXPECT_EQ(Value(1).identity(), nullptr);
}

TEST(Value, GivesPartsOfATemporaryByValue) {
  const auto make = [] { return dict({{"items", list({1, 2, 3})}, {"inner", dict({{"a", 4}})}}); };
  std::int64_t sum = 0;
  for (const Value& item : make()["items"].as_list()) sum += item.as_int();
  for (const auto& [key, value] : make()["inner"].as_dict()) sum += value.as_int();
  EXPECT_EQ(sum, 10);
}

TEST(Value, LeavesNoneBehindWhenMoved) {
  Value value = list({1});
  const Value moved = std::move(value);
  EXPECT_TRUE(value.is_none());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(moved.size(), 1U);
}

TEST(Value, DestroysDeepNestingWithoutRecursion) {
  Value value = list({});
  for (int depth = 0; depth < 200'000; ++depth) value = list({std::move(value)});
  value = Value();
  Value objects;
  for (int depth = 0; depth < 200'000; ++depth) {
    objects = Object::call(Object::global("a", "b"), tuple({std::move(objects)}));
  }
}

TEST(Value, PrintsInPythonsNotation) {
  const Value value = ordered_dict({{"a", tuple({1})},
                                    {"b", list({true, Value(), 1.0, "it's"})},
                                    {"t", Tensor::scalar<float>(1)},
                                    {"d", Object::global("torch", "float32")}});
  EXPECT_EQ(to_string(value),
            "OrderedDict({'a': (1,), 'b': [True, None, 1.0, 'it\\'s'], 't': tensor(float32 []), "
            "'d': <torch.float32>})");
  EXPECT_EQ(to_string(list({list({list({1})})}), {.max_depth = 2}), "[[[...]]]");
  EXPECT_EQ(to_string(list({1, 2, 3}), {.max_items = 2}), "[1, 2, ... and 1 more]");
}

// Destroyed after everything that belongs to a thread; memory checkers see what is wrong then.
const Value kLivesToTheEnd = dict({{"nested", list({list({1}), dict({{"a", list({2})}})})}});

TEST(Value, MayLiveUntilTheProgramEnds) {
  const Value temporary = list({list({1})});  // makes what belongs to this thread
  EXPECT_EQ(kLivesToTheEnd["nested"].size(), 2U);
}

TEST(Value, ComparesDeeply) {
  const auto make = [](float x) {
    return dict({{"t", Tensor::of<float>({x, 2}, {2})}, {"l", list({tuple({1, Value()})})}});
  };
  EXPECT_TRUE(equal(make(1), make(1)));
  EXPECT_FALSE(equal(make(1), make(3)));
  EXPECT_FALSE(equal(dict({{"a", 1}}), ordered_dict({{"a", 1}})));
  EXPECT_FALSE(equal(Value(1), Value(1.0)));
  EXPECT_FALSE(equal(list({1}), list({1, 2})));
}

TEST(Object, NamesItsClass) {
  const Value global = Object::global("collections", "deque");
  EXPECT_EQ(global.as_object().class_path(), "collections.deque");
  const Value call = Object::call(global, tuple({}));
  EXPECT_EQ(call.as_object().class_path(), "collections.deque");
  EXPECT_TRUE(call.as_object().is_call_of("collections", "deque"));
  EXPECT_EQ(Object::call(call, tuple({})).class_path(), "collections.deque(...)");
  EXPECT_EQ(Object::big_int("\1").class_path(), "int");
  EXPECT_EQ(Object::ancestor().class_path(), "ancestor");
}

TEST(StateDict, TravelsThroughAValue) {
  StateDict state_dict;
  state_dict.set("module.fc.weight", Tensor::of<float>({1, 2}, {1, 2}));
  state_dict.set("module.fc.bias", Tensor::of<float>({3}, {1}));
  state_dict.set_metadata(ordered_dict({{"", dict({{"version", 1}})},
                                        {"module", dict({{"version", 2}})},
                                        {"module.fc", dict({{"version", 3}})}}));
  const Value value = state_dict;
  EXPECT_EQ(value.as_dict().type(), Dict::Type::ordered);
  const StateDict again = value.as_state_dict();
  EXPECT_EQ(again.size(), 2U);
  EXPECT_EQ(again["module.fc.bias"].item_as_double(), 3.0);
  EXPECT_TRUE(equal(again.metadata(), state_dict.metadata()));

  const StateDict stripped = again.without_prefix("module.");
  EXPECT_TRUE(stripped.contains("fc.weight"));
  EXPECT_EQ(stripped.metadata()[""]["version"].as_int(), 2);
  EXPECT_EQ(stripped.metadata()["fc"]["version"].as_int(), 3);
  EXPECT_EQ(stripped.metadata().size(), 2U);
}

TEST(StateDict, RefusesWhatIsNotATensor) {
  EXPECT_ERROR(dict({{"epoch", 3}}).as_state_dict(), ErrorCode::mismatch,
               AllOf(HasSubstr("epoch"), HasSubstr("below another key")));
}

TEST(StateDict, SuggestsASimilarName) {
  StateDict state_dict;
  state_dict.set("fc.weight", Tensor::scalar<float>(1));
  EXPECT_ERROR(state_dict["fc.wieght"], ErrorCode::not_found,
               HasSubstr("did you mean 'fc.weight'?"));
}

TEST(StateDict, PrintsNameTypeAndShape) {
  StateDict state_dict;
  state_dict.set("fc.weight", Tensor::of<float>({1, 2}, {1, 2}));
  state_dict.set("n", Tensor::scalar<std::int64_t>(1));
  EXPECT_EQ(to_string(state_dict),
            "fc.weight  float32  [1, 2]\n"
            "n          int64    []\n"
            "2 tensors, 3 elements, 16 bytes\n");
}

}  // namespace
}  // namespace torchkeep
