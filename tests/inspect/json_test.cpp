#include <cmath>
#include <limits>

#include <torchkeep/inspect.h>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace torchkeep {
namespace {

nlohmann::ordered_json json_of(const Summary& summary) {
  return nlohmann::ordered_json::parse(to_json(summary));
}

// The JSON of one value, as text.
std::string text_of(const Value& value) {
  Summary summary;
  summary.values.emplace_back("v", value);
  return json_of(summary)["values"]["v"].dump();
}

TEST(SummaryJson, HasAllFieldsInOrder) {
  Summary summary;
  summary.path = "dir/model.pt";
  summary.format = "pt";
  summary.file_bytes = 1234;
  summary.tensors.push_back({"a.weight", DType::boolean, {2, 3}, 6, std::nullopt});
  summary.tensors.push_back({"b", DType::float32, {}, 4, "00ff"});
  summary.values.emplace_back("epoch", 3);
  summary.globals = {"collections.OrderedDict"};
  EXPECT_EQ(json_of(summary).dump(),
            R"({"path":"dir/model.pt","format":"pt","file_bytes":1234,)"
            R"("tensors":[{"name":"a.weight","dtype":"bool","shape":[2,3],"bytes":6},)"
            R"({"name":"b","dtype":"float32","shape":[],"bytes":4,"sha256":"00ff"}],)"
            R"("values":{"epoch":3},"globals":["collections.OrderedDict"]})");
}

TEST(SummaryJson, ListsTheModulesOfAWholeModel) {
  ModuleNode root;
  root.class_path = "my.Net";
  root.attributes.set("width", 3);
  root.attributes.set("size", tuple({2, Value()}));
  root.attributes.set("cache", dict({{"a", 1}}));
  root.children = {{"a", 1}, {"b", 1}, {"c", std::nullopt}};
  ModuleNode child;
  child.class_path = "torch.nn.modules.linear.Linear";
  child.training = false;
  Tensor weight = Tensor::of<float>({1, 2}, {1, 2});
  weight.set_is_parameter(true);
  child.parameters = {{"weight", weight}, {"bias", Value()}};
  Summary summary;
  summary.modules = ModuleTree{{root, child}};
  EXPECT_EQ(
      json_of(summary)["modules"].dump(),
      R"([{"name":"","class":"my.Net","training":true,"attributes":{"width":3,"size":[2,null]},)"
      R"("parameters":{},"buffers":{}},)"
      R"({"name":"a","class":"torch.nn.modules.linear.Linear","training":false,)"
      R"("attributes":{},"parameters":{"weight":{"dtype":"float32","shape":[1,2],)"
      R"("trainable":false},"bias":null},"buffers":{}},)"
      R"({"name":"b","same_as":"a"}])");
  EXPECT_FALSE(json_of(Summary()).contains("modules"));
}

TEST(SummaryJson, WritesValuesOfEveryKind) {
  EXPECT_EQ(text_of(Value()), "null");
  EXPECT_EQ(text_of(true), "true");
  EXPECT_EQ(text_of(INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(text_of(0.1), "0.1");
  EXPECT_EQ(text_of(std::nan("")), "\"nan\"");
  EXPECT_EQ(text_of(-std::numeric_limits<double>::infinity()), "\"-inf\"");
  EXPECT_EQ(text_of("text"), "\"text\"");
  EXPECT_EQ(text_of(Bytes{std::string("a\0\xff", 3)}),
            R"({"class":"bytes","bytes":3,"hex":"6100ff"})");
  EXPECT_EQ(text_of(list({})), "[]");
  EXPECT_EQ(text_of(dict({})), "{}");
  EXPECT_EQ(text_of(Storage::allocate(8)), R"({"class":"storage","bytes":8})");
  EXPECT_EQ(text_of(Object::global("torch", "float32")), R"({"class":"torch.float32"})");
  EXPECT_EQ(text_of(Object::call(Object::global("torch", "Size"), tuple({tuple({1, 2})}))),
            R"({"class":"torch.Size","arguments":[[1,2]]})");
  EXPECT_EQ(text_of(Object::big_int(std::string("\x01\x02\x03", 3))),
            R"({"class":"int","hex":"030201"})");
}

TEST(SummaryJson, TakesTextThatIsNotUtf8) { EXPECT_EQ(text_of("a\xff"), "\"a\xEF\xBF\xBD\""); }

TEST(SummaryJson, KeepsValuesOfTheSameName) {
  Summary summary;
  summary.values.emplace_back("a.b", 1);
  summary.values.emplace_back("a.b", 2);
  EXPECT_EQ(json_of(summary)["values"].dump(), R"({"a.b":1,"a.b#2":2})");
}

TEST(SummaryJson, DoesNotFollowAContainerInsideItself) {
  const Value value = list({1});
  value.as_list().push_back(value);
  EXPECT_EQ(text_of(value), "\"...\"");
  value.as_list().clear();
}

}  // namespace
}  // namespace torchkeep
