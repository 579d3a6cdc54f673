#include "format/sharded/index.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "support/expect_error.h"

namespace torchkeep::sharded {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(ShardedIndex, ReadsWeightMapsAndBareMaps) {
  EXPECT_THAT(parse_index(R"({"metadata":{"total_size":9,"x":[{}]},"weight_map":{"b":"1","a":"2"},
                              "format":"pt"})"),
              ElementsAre(Pair("b", "1"), Pair("a", "2")));
  EXPECT_THAT(parse_index(R"({"b":"x.bin","a":"x.bin"})"),
              ElementsAre(Pair("b", "x.bin"), Pair("a", "x.bin")));
  EXPECT_THAT(parse_index("{}"), ElementsAre());
}

TEST(ShardedIndex, RefusesEverythingElse) {
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"", "is no JSON"},
      {"[]", "an array"},
      {"\"x\"", "a string"},
      {R"({"a":1})", "a number"},
      {R"({"a":{"b":"c"}})", "an object"},
      {R"({"weight_map":"x"})", "a string"},
      {R"({"weight_map":[]})", "an array"},
      {R"({"weight_map":{"a":1}})", "a number"},
      {R"({"weight_map":{"a":{}}})", "an object"},
      {R"({"weight_map":{},"weight_map":{}})", "two weight_map"},
      {R"({"weight_map":{"a":"x","a":"x"}})", "a: the index has this name twice"},
      {R"({"a":"x","a":"y"})", "a: the index has this name twice"},
  };
  for (const auto& [text, problem] : texts) {
    SCOPED_TRACE(text);
    EXPECT_ERROR(parse_index(text), ErrorCode::corrupt, HasSubstr(problem));
  }
}

TEST(ShardedIndex, RefusesFilesThatAreNotBesideIt) {
  for (const char* file : {"", ".", "..", "../x", "/x", "d/x", "d\\\\x", "\\u0000x", "\\n"}) {
    SCOPED_TRACE(file);
    EXPECT_ERROR(parse_index("{\"a\":\"" + std::string(file) + "\"}"), ErrorCode::unsafe,
                 HasSubstr("a: \""));
  }
}

TEST(ShardedIndex, WritesWhatHuggingFaceWrites) {
  EXPECT_EQ(make_index({{"b", "m-1"}, {"a\xc3\xa9", "m-2"}}, 12),
            "{\n  \"metadata\": {\n    \"total_size\": 12\n  },\n  \"weight_map\": {\n"
            "    \"a\\u00e9\": \"m-2\",\n    \"b\": \"m-1\"\n  }\n}\n");
}

}  // namespace
}  // namespace torchkeep::sharded
