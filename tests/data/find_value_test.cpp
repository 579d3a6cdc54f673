#include "data/find_value.h"

#include <gmock/gmock.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::HasSubstr;

TEST(FindValue, FollowsKeysAndIndexes) {
  const Value value = dict({{"a", list({1, dict({{"b", 7}})})}});
  EXPECT_EQ(find_value(value, "a.1.b").as_int(), 7);
  EXPECT_TRUE(find_value(value, "a.1").is_dict());
  EXPECT_TRUE(equal(find_value(value, ""), value));
}

TEST(FindValue, TriesEveryWayToCutKeysWithDots) {
  const Value value = dict({{"a", dict({{"b", 1}})}, {"a.b", dict({{"c.d", 2}})}});
  EXPECT_EQ(find_value(value, "a.b.c.d").as_int(), 2);
}

TEST(FindValue, LooksIntoObjects) {
  Object object = Object::instance(Object::global("m", "C"), Tuple{});
  object.state = dict({{"weight", 3}});
  EXPECT_EQ(find_value(dict({{"o", std::move(object)}}), "o.weight").as_int(), 3);
}

TEST(FindValue, EndsInsideItself) {
  const Value inner = list({});
  inner.as_list().push_back(inner);
  EXPECT_ERROR(find_value(inner, "0.0.0.x"), ErrorCode::not_found, HasSubstr("'0.0.0.x'"));
  inner.as_list().clear();  // else it would never be freed
}

TEST(FindValue, ProposesASimilarName) {
  const Value value = dict({{"model", dict({{"fc.weight", 1}})}, {"epoch", 2}});
  EXPECT_ERROR(find_value(value, "fc.weight"), ErrorCode::not_found,
               HasSubstr("did you mean 'model.fc.weight'?"));
  EXPECT_ERROR(find_value(value, "epcoh"), ErrorCode::not_found,
               HasSubstr("did you mean 'epoch'?"));
  EXPECT_ERROR(find_value(value, "modle"), ErrorCode::not_found,
               HasSubstr("did you mean 'model'?"));
  EXPECT_ERROR(find_value(value, "zzzzzz"), ErrorCode::not_found, HasSubstr("inspect"));
}

}  // namespace
}  // namespace torchkeep
