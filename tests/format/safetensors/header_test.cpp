#include "format/safetensors/header.h"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "support/expect_error.h"

namespace torchkeep::safetensors {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

void expect_corrupt(const std::string& text, const std::string& problem, std::uint64_t bytes = 4) {
  EXPECT_ERROR(parse_header(text, bytes), ErrorCode::corrupt, HasSubstr(problem));
}

// A header with the tensor "t" of those fields.
std::string tensor(const std::string& fields) { return fmt::format("{{\"t\":{{{}}}}}", fields); }

const std::string kGood = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";

TEST(SafetensorsHeader, GivesTensorsInTheOrderOfTheText) {
  const Header header = parse_header(
      R"( {"b":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},
           "__metadata__":{"format":"pt","a":""},
           "a":{"data_offsets":[0,8],"shape":[],"dtype":"I64"},
           "none":{"dtype":"U8","shape":[3,0],"data_offsets":[8,8]}}   )",
      16);
  ASSERT_EQ(header.tensors.size(), 3U);
  EXPECT_EQ(header.tensors[0].name, "b");
  EXPECT_EQ(header.tensors[0].type->dtype, DType::float32);
  EXPECT_THAT(header.tensors[0].shape, ElementsAre(1, 2));
  EXPECT_EQ(header.tensors[0].begin, 8U);
  EXPECT_EQ(header.tensors[0].end, 16U);
  EXPECT_EQ(header.tensors[1].name, "a");
  EXPECT_THAT(header.tensors[1].shape, ElementsAre());
  EXPECT_EQ(header.tensors[2].name, "none");
  EXPECT_THAT(header.metadata, ElementsAre(Pair("format", "pt"), Pair("a", "")));
}

TEST(SafetensorsHeader, TakesAnEmptyOne) {
  EXPECT_TRUE(parse_header("{}", 0).tensors.empty());
  EXPECT_TRUE(parse_header(R"({"__metadata__":{}})", 0).metadata.empty());
}

TEST(SafetensorsHeader, IgnoresFieldsThatItDoesNotKnow) {
  const std::string extra =
      R"(,"x":{"dtype":[1,{"shape":null}]},"y":[[]],"z":-1.5e3,"w":true,"v":"text")";
  EXPECT_EQ(parse_header(tensor(kGood + extra), 4).tensors.size(), 1U);
  EXPECT_EQ(parse_header(tensor(extra.substr(1) + "," + kGood), 4).tensors.size(), 1U);
}

TEST(SafetensorsHeader, RefusesWhatIsNoJson) {
  for (const char* text : {"", "  ", "{", "{}x", "{\"t\"}", "{'t':1}", "{\"__metadata__\":{},}",
                           "{\"\xff\":1}", "{}{}", "{\"a\\x\":1}"}) {
    expect_corrupt(text, "JSON");
  }
}

TEST(SafetensorsHeader, RefusesJsonOfAnotherKind) {
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"[]", "an array"},
      {"1", "a number"},
      {"null", "a null"},
      {R"("x")", "a string"},
      {R"({"t":1})", "t: the JSON has a number"},
      {R"({"t":null})", "a null"},
      {R"({"t":"x"})", "a string"},
      {R"({"t":[]})", "an array"},
      {R"({"__metadata__":1})", "a number"},
      {R"({"__metadata__":{"a":1}})", "a number"},
      {R"({"__metadata__":{"a":{}}})", "an object"},
      {R"({"__metadata__":{"a":null}})", "a null"},
      {tensor(R"("dtype":1)"), "a number"},
      {tensor(R"("dtype":{})"), "an object"},
      {tensor(R"("dtype":["F32"])"), "an array"},
      {tensor(R"("shape":1)"), "a number"},
      {tensor(R"("shape":"1")"), "a string"},
      {tensor(R"("shape":[-1])"), "a negative number"},
      {tensor(R"("shape":[1.0])"), "no 64-bit integer"},
      {tensor(R"("shape":[18446744073709551616])"), "no 64-bit integer"},
      {tensor(R"("shape":[true])"), "a boolean"},
      {tensor(R"("shape":["1"])"), "a string"},
      {tensor(R"("shape":[[1]])"), "an array"},
      {tensor(R"("shape":{"a":1})"), "an object"},
      {tensor(R"("shape":[9223372036854775808])"), "has the size 9223372036854775808"},
      {tensor(R"("data_offsets":[0,4,8])"), "a third offset"},
  };
  for (const auto& [text, problem] : texts) expect_corrupt(text, problem);
}

TEST(SafetensorsHeader, RefusesMissingAndRepeatedFields) {
  expect_corrupt(tensor(""), "t: lacks its dtype");
  expect_corrupt(tensor(R"("dtype":"F32","data_offsets":[0,4])"), "t: lacks its shape");
  expect_corrupt(tensor(R"("dtype":"F32","shape":[1])"), "t: lacks its data_offsets");
  expect_corrupt(tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0])"), "data_offsets");
  for (const char* field : {R"(,"dtype":"F32")", R"(,"shape":[1])", R"(,"data_offsets":[0,4])"}) {
    expect_corrupt(tensor(kGood + field), "t: has two values of");
  }
}

TEST(SafetensorsHeader, RefusesRepeatedNames) {
  expect_corrupt(fmt::format(R"({{"t":{{{}}},"t":{{{}}}}})", kGood, kGood),
                 "t: the header has this name twice");
  // The same name in another spelling.
  expect_corrupt(fmt::format(R"({{"t":{{{}}},"\u0074":{{{}}}}})", kGood, kGood), "twice");
  expect_corrupt(R"({"__metadata__":{},"__metadata__":{}})", "two __metadata__", 0);
  expect_corrupt(R"({"__metadata__":{"a":"","a":""}})", "the key \"a\" twice", 0);
}

TEST(SafetensorsHeader, RefusesTypesThatPyTorchHasNot) {
  EXPECT_ERROR(parse_header(tensor(R"("dtype":"F128","shape":[],"data_offsets":[0,16])"), 16),
               ErrorCode::unsupported, HasSubstr("t: elements of the unknown type \"F128\""));
  EXPECT_ERROR(parse_header(tensor(R"("dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3])"), 3),
               ErrorCode::unsupported, HasSubstr("F6_E2M3, which PyTorch has not"));
  std::string sizes = "1";
  for (int i = 0; i < 64; ++i) sizes += ",1";
  EXPECT_ERROR(
      parse_header(tensor(fmt::format(R"("dtype":"U8","shape":[{}],"data_offsets":[0,1])", sizes)),
                   1),
      ErrorCode::unsupported, HasSubstr("more than 64 dimensions"));
}

TEST(SafetensorsHeader, RefusesSizesThatDoNotFitTheirPlace) {
  for (const char* fields : {
           R"("dtype":"F32","shape":[2],"data_offsets":[0,4])",
           R"("dtype":"F32","shape":[0],"data_offsets":[0,4])",
           R"("dtype":"F32","shape":[1],"data_offsets":[4,0])",
           R"("dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,4])",
           R"("dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,4])",
           R"("dtype":"U8","shape":[9223372036854775807,2],"data_offsets":[0,4])",
           R"("dtype":"F4","shape":[7],"data_offsets":[0,4])",
           R"("dtype":"U8","shape":[4],"data_offsets":[18446744073709551615,3])",
       }) {
    expect_corrupt(tensor(fields), "t: ");
    expect_corrupt(tensor(fields), "does not fill its place");
  }
}

TEST(SafetensorsHeader, RefusesHolesOverlapsAndTheWrongEnd) {
  const auto two = [](const char* first, const char* second) {
    return fmt::format(
        R"({{"a":{{"dtype":"U8","shape":[4],"data_offsets":[{}]}},"b":{{"dtype":"U8","shape":[4],"data_offsets":[{}]}}}})",
        first, second);
  };
  EXPECT_EQ(parse_header(two("4,8", "0,4"), 8).tensors.size(), 2U);
  expect_corrupt(two("0,4", "5,9"), "b: leaves a hole before it (expected to begin at byte 4", 9);
  expect_corrupt(two("0,4", "0,4"), "b: overlaps another tensor", 4);
  expect_corrupt(two("0,4", "3,7"), "b: overlaps another tensor", 7);
  expect_corrupt(two("1,5", "5,9"), "a: leaves a hole before it (expected to begin at byte 0", 9);
  expect_corrupt(two("0,4", "4,8"), "do not fill the file (expected 8 bytes of data, got 9)", 9);
  expect_corrupt(two("0,4", "4,8"), "do not fill the file (expected 8 bytes of data, got 7)", 7);
}

TEST(SafetensorsHeader, RefusesEmptyTensorsInsideOthers) {
  expect_corrupt(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                 R"("b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}})",
                 "b: overlaps another tensor");
}

TEST(SafetensorsHeader, RefusesDeepNesting) {
  const std::string deep = tensor("\"x\":" + std::string(100'000, '['));
  EXPECT_ERROR(parse_header(deep, 0), ErrorCode::unsafe, HasSubstr("nests too deep"));
}

TEST(SafetensorsHeader, MakesNamesOfMessagesPrintable) {
  expect_corrupt("{\"\\u001b[31m\":{}}", "\\x1b[31m: lacks its dtype");
}

}  // namespace
}  // namespace torchkeep::safetensors
