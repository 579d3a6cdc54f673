#include <string>
#include <utility>

#include <torchkeep/dict.h>
#include <torchkeep/object.h>

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::HasSubstr;

TEST(Dict, KeepsTheOrderOfInsertion) {
  Dict entries;
  entries.set("b", 1);
  entries.set("a", 2);
  entries.set("b", 3);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries.begin()->first.as_string(), "b");
  EXPECT_EQ(entries.find("b")->as_int(), 3);
  EXPECT_TRUE(entries.erase("b"));
  EXPECT_FALSE(entries.erase("b"));
  EXPECT_EQ(entries.find("a")->as_int(), 2);
}

TEST(Dict, TakesTheKeysPythonCanHash) {
  Dict entries;
  entries.set(1, "int");
  entries.set(true, "bool");  // the same key, as in Python
  entries.set(1.0, "float");
  EXPECT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries.find(Value(1))->as_string(), "float");
  entries.set(tuple({1, "a"}), "tuple");
  entries.set(tuple({"1", "a"}), "other tuple");
  entries.set(Value(), "none");
  entries.set(Value(Bytes{"a"}), "bytes");
  entries.set(Value("a"), "string");
  entries.set(0.5, "half");
  entries.set(Object::global("torch", "float32"), "class");
  EXPECT_EQ(entries.size(), 8U);
  entries.set("one more", 0);
  entries.set("and another", 0);
  EXPECT_EQ(entries.size(), 10U);
  EXPECT_EQ(entries.find(tuple({1, "a"}))->as_string(), "tuple");
  EXPECT_EQ(entries.find(Value(Object::global("torch", "float32")))->as_string(), "class");
  EXPECT_ERROR(entries.set(list({}), 1), ErrorCode::invalid_argument, HasSubstr("list cannot be"));
  EXPECT_ERROR(entries.set(tuple({list({})}), 1), ErrorCode::invalid_argument, HasSubstr("list"));
}

// Few entries are searched one by one, more with an index: nobody can tell.
TEST(Dict, IsTheSameWhateverItsSize) {
  constexpr int kMost = 40;
  Dict entries;
  for (int n = 0; n < kMost; ++n) {
    entries.set(std::to_string(n), n);
    entries.set(n, -n);
    entries.set(tuple({n}), n + kMost);
    entries.set(0.5, n);
    ASSERT_EQ(entries.size(), static_cast<std::size_t>(3 * n + 4));
    for (int k = 0; k <= n; ++k) {
      ASSERT_EQ(entries.find(Value(std::to_string(k)))->as_int(), k);
      ASSERT_EQ(entries.find(Value(static_cast<double>(k)))->as_int(), -k);
      ASSERT_EQ(entries.find(tuple({k}))->as_int(), k + kMost);
    }
    ASSERT_EQ(entries.find(Value(std::to_string(n + 1))), nullptr);
    ASSERT_EQ(entries.find(Value(n + 1)), nullptr);
    ASSERT_EQ(entries.find(tuple({n + 1})), nullptr);
  }
  for (int n = kMost; n-- > 0;) {
    ASSERT_TRUE(entries.erase(std::to_string(n)));
    ASSERT_FALSE(entries.erase(std::to_string(n)));
    ASSERT_EQ(entries.find(tuple({n}))->as_int(), n + kMost);
  }
  EXPECT_EQ(entries.size(), static_cast<std::size_t>(2 * kMost + 1));
  EXPECT_EQ(entries.find(Value(7))->as_int(), -7);
}

TEST(Dict, IsCopiedWithItsIndex) {
  for (const int size : {3, 30}) {
    Dict original;
    for (int n = 0; n < size; ++n) original.set(std::to_string(n), n);
    Dict copy = original;
    original.set("0", "changed");
    original.clear();
    copy.set("new", 1);
    EXPECT_EQ(copy.size(), static_cast<std::size_t>(size + 1));
    EXPECT_EQ(copy.find("0")->as_int(), 0);
    original = std::move(copy);
    EXPECT_EQ(original.find("new")->as_int(), 1);
    original = original;  // NOLINT: on purpose
    EXPECT_EQ(original.find(Value(std::to_string(size - 1)))->as_int(), size - 1);
  }
}

}  // namespace
}  // namespace torchkeep
