#include <fstream>
#include <iterator>

#include <torchkeep/convert_file.h>
#include <torchkeep/load.h>
#include <torchkeep/module_tree.h>
#include <torchkeep/save.h>
#include <torchkeep/state_dict.h>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> names(const Value& value) {
  std::vector<std::string> all;
  for (const auto& [key, held] : value.as_dict()) all.push_back(key.as_string());
  return all;
}

Tensor floats(std::initializer_list<float> values) {
  return Tensor::of(values, {static_cast<std::int64_t>(values.size())});
}

class ConvertFile : public ::testing::Test {
 protected:
  std::filesystem::path saved(const Value& value, const SaveOptions& options = {}) {
    save(value, directory_ / "in.pt", options);
    return directory_ / "in.pt";
  }
  std::filesystem::path out(const char* name) const { return directory_ / name; }

  Value converted(const Value& value, const char* name, const ConvertOptions& options) {
    result_ = convert_file(saved(value), out(name), options);
    return load(out(name));
  }

  testing::TemporaryDirectory directory_;
  Conversion result_;
};

Value two_layers() {
  StateDict state;
  state.set("module.0.weight", floats({1, 2}));
  state.set("module.0.bias", floats({3}));
  state.set("module.1.n", Tensor::scalar<std::int64_t>(4));
  state.set_metadata(
      ordered_dict({{"", dict({{"version", 1}})},
                    {"module", dict({{"version", 1}})},
                    {"module.0", dict({{"version", 2}, {"frozen", list({"weight"})}})},
                    {"module.1", dict({{"version", 3}})}}));
  return state;
}

TEST_F(ConvertFile, KeepsAPtByteForByte) {
  const Value value = dict({{"epoch", 1}, {"w", floats({1, 2})}});
  for (const Layout layout : {Layout::latest, Layout::torch_2_1, Layout::torch_1_13}) {
    const auto path = saved(value, {.layout = layout, .root_name = "root"});
    const Conversion result = convert_file(path, out("other name.pth"));
    EXPECT_TRUE(result.rewritten);
    EXPECT_EQ(result.tensors, 1U);
    EXPECT_EQ(result.bytes, 8U);
    EXPECT_EQ(content(path), content(out("other name.pth")));
  }
}

TEST_F(ConvertFile, MayReplaceItsSource) {
  const auto path = saved(two_layers());
  convert_file(path, path, {.strip_prefixes = {"module."}});
  EXPECT_THAT(names(load(path)), ElementsAre("0.weight", "0.bias", "1.n"));
}

TEST_F(ConvertFile, ChangesTheLayoutAndTheRoot) {
  const auto path = saved(two_layers());
  const auto like_python = out("expected.pt");
  save(two_layers(), like_python, {.layout = Layout::torch_1_13, .root_name = "r"});
  convert_file(path, out("out.pt"), {.layout = Layout::torch_1_13, .root_name = "r"});
  EXPECT_EQ(content(out("out.pt")), content(like_python));
}

TEST_F(ConvertFile, KeepsTheLayoutWhereOnlyNamesChange) {
  const auto path = saved(dict({{"a.w", floats({1})}}), {.layout = Layout::torch_1_13});
  convert_file(path, out("out.pt"), {.strip_prefixes = {"a."}});
  EXPECT_EQ(content(out("out.pt")).find(".format_version"), std::string::npos);
}

TEST_F(ConvertFile, TakesAPart) {
  const Value value = dict({{"epoch", 1}, {"model", dict({{"w", floats({1})}})}});
  EXPECT_THAT(names(converted(value, "out.pt", {.key = "model"})), ElementsAre("w"));
  EXPECT_ERROR(convert_file(directory_ / "in.pt", out("no.pt"), {.key = "modle"}),
               ErrorCode::not_found, HasSubstr("in.pt: has nothing named 'modle'"));
  EXPECT_FALSE(std::filesystem::exists(out("no.pt")));
}

TEST_F(ConvertFile, EditsNames) {
  EXPECT_THAT(names(converted(two_layers(), "out.pt",
                              {.include = {"*.0.*"},
                               .exclude = {"*.bias"},
                               .strip_prefixes = {"module."},
                               .renamings = {{"0.*", "conv.*"}},
                               .add_prefix = "net."})),
              ElementsAre("net.conv.weight"));
}

TEST_F(ConvertFile, LetsMetadataFollowTheNames) {
  const Value value = converted(
      two_layers(), "out.pt",
      {.strip_prefixes = {"module."}, .renamings = {{"0.weight", "a.w"}, {"0.bias", "a.bias"}}});
  const Value& metadata = value.as_dict().attributes()["_metadata"];
  EXPECT_THAT(names(metadata), ElementsAre("a", "1"));
  EXPECT_EQ(metadata["a"]["version"].as_int(), 2);
  EXPECT_EQ(metadata["a"]["frozen"][0].as_string(), "w");
}

TEST_F(ConvertFile, RefusesEditsThatFindNothing) {
  const auto path = saved(two_layers());
  const auto expect_not_found = [&](const ConvertOptions& options, const char* text) {
    EXPECT_ERROR(convert_file(path, out("out.pt"), options), ErrorCode::not_found, HasSubstr(text));
  };
  expect_not_found({.include = {"x.*"}}, "include 'x.*'");
  expect_not_found({.strip_prefixes = {"modul.e"}}, "strip-prefix 'modul.e'");
  expect_not_found({.renamings = {{"module.0.wieght", "w"}}}, "did you mean 'module.0.weight'?");
  EXPECT_FALSE(std::filesystem::exists(out("out.pt")));
}

TEST_F(ConvertFile, RefusesTwoTensorsOfOneName) {
  EXPECT_ERROR(
      convert_file(saved(two_layers()), out("out.pt"), {.renamings = {{"module.0.*", "x"}}}),
      ErrorCode::invalid_argument, HasSubstr("would both be named 'x'"));
}

TEST_F(ConvertFile, ChangesNamesOnlyInAStateDict) {
  EXPECT_ERROR(convert_file(saved(dict({{"epoch", 1}})), out("out.pt"), {.add_prefix = "x"}),
               ErrorCode::mismatch, HasSubstr("choose a state dict with key"));
}

TEST_F(ConvertFile, CastsFloatingPointTensors) {
  const Value value = dict({{"w", floats({1.5F})},
                            {"nested", list({dict({{"v", floats({2})}})})},
                            {"n", Tensor::scalar<std::int64_t>(3)}});
  const Value half = converted(value, "out.pt", {.dtype = DType::float16});
  EXPECT_EQ(half["w"].as_tensor().dtype(), DType::float16);
  EXPECT_EQ(half["w"].as_double(), 1.5);
  EXPECT_EQ(half["nested"][0]["v"].as_tensor().dtype(), DType::float16);
  EXPECT_EQ(half["n"].as_tensor().dtype(), DType::int64);
  const Value all =
      converted(value, "out.pt", {.dtype = DType::float16, .casts = ConvertOptions::Casts::all});
  EXPECT_EQ(all["n"].as_tensor().dtype(), DType::float16);
}

TEST_F(ConvertFile, KeepsTiedTensorsTiedWhenItCasts) {
  const Tensor tensor = floats({1, 2});
  const Value half =
      converted(dict({{"a", tensor}, {"b", tensor}}), "out.pt", {.dtype = DType::bfloat16});
  EXPECT_TRUE(half["a"].as_tensor().storage().shares_memory_with(half["b"].as_tensor().storage()));
}

TEST_F(ConvertFile, SaysWhichTensorsItCannotCast) {
  converted(dict({{"t", tuple({floats({1})})}}), "out.pt", {.dtype = DType::float16});
  EXPECT_THAT(result_.warnings,
              ElementsAre("1 tensor in tuples or arguments of objects kept its type"));
}

TEST_F(ConvertFile, ComparesChecksums) {
  const auto path = saved(dict({{"w", floats({1, 2, 3, 4})}}));
  std::string bytes = content(path);
  bytes.at(bytes.find(std::string("\0\0\x80\x3f\0\0\0\x40", 8))) ^= 1;
  std::ofstream(path, std::ios::binary) << bytes;
  for (const ConvertOptions& options : {ConvertOptions{}, ConvertOptions{.add_prefix = "x."}}) {
    EXPECT_ERROR(convert_file(path, out("out.pt"), options), ErrorCode::corrupt,
                 HasSubstr("data/0"));
    EXPECT_FALSE(std::filesystem::exists(out("out.pt")));
  }
}

TEST_F(ConvertFile, TellsWhatItDid) {
  converted(two_layers(), "out.pt", {.format = "pt-legacy"});
  EXPECT_EQ(to_string(result_), "pt -> pt-legacy: 3 tensors, 20 B\n");
  const auto json = nlohmann::json::parse(to_json(result_));
  EXPECT_EQ(json["tensors"], 3);
  EXPECT_EQ(json["format_to"], "pt-legacy");
  EXPECT_THAT(json["dropped"], IsEmpty());
}

TEST_F(ConvertFile, RefusesToLoseValues) {
  const Value value = dict({{"epoch", 1}, {"m", dict({{"w", floats({1})}})}, {"loss", 0.5}});
  const auto path = saved(value);
  EXPECT_ERROR(convert_file(path, out("out.safetensors")), ErrorCode::unsupported,
               HasSubstr("2 values would be lost (epoch, loss)"));
  EXPECT_FALSE(std::filesystem::exists(out("out.safetensors")));
  const Value flat =
      converted(value, "out.safetensors", {.non_tensors = ConvertOptions::NonTensors::drop});
  EXPECT_THAT(names(flat), ElementsAre("m.w"));
  EXPECT_THAT(result_.dropped, ElementsAre("epoch", "loss"));
}

TEST_F(ConvertFile, WarnsOfWhatIsLost) {
  Tensor base = Tensor::of<float>({1, 2, 3, 4}, {2, 2});
  Tensor parameter = floats({1});
  parameter.set_is_parameter(true);
  const Value value = dict({{"a", base},
                            {"t", Tensor(base.storage(), DType::float32, {2, 2}, {1, 2})},
                            {"p", parameter}});
  const Value again = converted(value, "out.npz", {});
  EXPECT_EQ(again["t"].as_tensor().item_as_double(1), 3);
  EXPECT_THAT(result_.warnings, Contains(HasSubstr("2 tensors share memory")));
  EXPECT_THAT(result_.warnings, Contains(HasSubstr("1 tensor has strides")));
  EXPECT_THAT(result_.warnings, Contains(HasSubstr("1 tensor was a parameter")));
  converted(two_layers(), "out.npz", {});
  EXPECT_THAT(result_.warnings, ElementsAre("1 parameter is frozen: not kept"));
}

TEST_F(ConvertFile, WritesOneTensorAsAnArray) {
  converted(two_layers(), "out.npy", {.include = {"module.0.weight"}});
  EXPECT_EQ(load(out("out.npy")).as_tensor().item_as_double(1), 2);
  EXPECT_ERROR(convert_file(directory_ / "in.pt", out("no.npy")), ErrorCode::unsupported,
               HasSubstr("one tensor (got 3)"));
}

TEST_F(ConvertFile, ReadsWhatItWrote) {
  for (const char* name : {"a.safetensors", "a.npz", "a.pt"}) {
    SCOPED_TRACE(name);
    converted(two_layers(), name, {});
    convert_file(out(name), out("back.pt"));
    const StateDict back = load(out("back.pt")).as_state_dict();
    const StateDict expected = two_layers().as_state_dict();
    for (const auto& [key, tensor] : expected) EXPECT_TRUE(equal(back[key], tensor)) << key;
  }
}

TEST_F(ConvertFile, SplitsIntoShards) {
  converted(dict({{"a", floats({1, 2})}, {"b", floats({3, 4})}}), "m.pt", {});
  const Conversion result = convert_file(out("m.pt"), out("m.safetensors"), {.max_shard_bytes = 8});
  EXPECT_EQ(result.tensors, 2U);
  EXPECT_TRUE(std::filesystem::exists(out("m-00002-of-00002.safetensors")));
  EXPECT_EQ(load(out("m.safetensors.index.json"))["b"].as_tensor().item_as_double(1), 4);
}

TEST_F(ConvertFile, RefusesFormatsThatItDoesNotWrite) {
  EXPECT_ERROR(convert_file(saved(two_layers()), out("a.pt"), {.format = "dcp"}),
               ErrorCode::invalid_argument, HasSubstr("dcp"));
}

Value whole_model() {
  ModuleNode linear;
  linear.class_path = "torch.nn.modules.linear.Linear";
  Tensor weight = floats({1, 2});
  weight.set_is_parameter(true);
  linear.parameters = {{"weight", weight}, {"bias", Value()}};
  ModuleNode root;
  root.class_path = "torch.nn.modules.container.Sequential";
  root.children = {{"0", 1}};
  return to_value(ModuleTree{{root, linear}});
}

TEST_F(ConvertFile, MakesAStateDictOfAWholeModel) {
  const ConvertOptions as_state_dict = {.whole_model = ConvertOptions::WholeModel::state_dict};
  EXPECT_THAT(names(converted(whole_model(), "out.pt", as_state_dict)), ElementsAre("0.weight"));
  EXPECT_THAT(names(converted(whole_model(), "out.safetensors", {})), ElementsAre("0.weight"));
  EXPECT_TRUE(is_module(converted(whole_model(), "out.pt", {.layout = Layout::torch_1_13})));
  EXPECT_ERROR(converted(dict({{"epoch", 1}, {"net", whole_model()}}), "out.pt", as_state_dict),
               ErrorCode::mismatch, HasSubstr("choose it with key: net"));
  EXPECT_ERROR(converted(two_layers(), "out.pt", as_state_dict), ErrorCode::mismatch,
               HasSubstr("no whole model but a dict"));
}

}  // namespace
}  // namespace torchkeep
