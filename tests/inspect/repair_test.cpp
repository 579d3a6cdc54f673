#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <torchkeep/load.h>
#include <torchkeep/repair.h>
#include <torchkeep/save.h>
#include <torchkeep/state_dict.h>
#include <torchkeep/verify.h>

#include <gmock/gmock.h>

#include "support/expect_error.h"
#include "support/shared_data.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"
#include "support/zip_builder.h"

namespace torchkeep {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::file_content;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::shared_data;
using testing::TemporaryDirectory;
using testing::write_content;
using Condition = RestoredTensor::Condition;

const std::string kWeight("\0\0\x80\x3f\0\0\0\x40", 8);  // 1, 2
const std::string kBias("\0\0\xe0\x40\0\0\0\x41", 8);    // 7, 8

class Repair : public ::testing::Test {
 protected:
  // Tensors in a dict, in a list and in a tuple.
  std::string saved(const SaveOptions& options = {.layout = Layout::latest}) {
    const Tensor weight = Tensor::of<float>({1, 2, 3, 4, 5, 6}, {2, 3});
    original_ = dict({{"epoch", 3},
                      {"model", ordered_dict({{"weight", weight},
                                              {"bias", Tensor::of<float>({7, 8}, {2})},
                                              {"tied", weight}})},
                      {"list", list({Tensor::of<float>({9}, {1}), 10})},
                      {"tuple", tuple({Tensor::of<float>({11}, {1}), 12})}});
    save(original_, in_, options);
    return file_content(in_);
  }

  RepairReport repaired(const std::string& content, RepairOptions options = {}) {
    options.durability = Durability::cached;
    write_content(in_, content);
    std::filesystem::remove(out_);
    return repair(in_, out_, options);
  }

  // Repairs every beginning of the content from `first` bytes on. What is kept never gets less, and
  // is what was saved; of the whole content it is all five tensors.
  void check_truncations(const std::string& content, std::size_t first) {
    std::size_t kept_before = 0;
    for (std::size_t size = first; size <= content.size(); ++size) {
      const RepairReport report = repaired(content.substr(0, size));
      const auto kept =
          static_cast<std::size_t>(std::ranges::count_if(report.tensors, &RestoredTensor::is_kept));
      EXPECT_GE(kept, kept_before) << size;
      kept_before = kept;
      ASSERT_EQ(report.is_written, std::filesystem::exists(out_)) << size;
      if (!report.is_written) continue;
      const Value model = load(out_)["model"];
      for (const auto& [key, tensor] : model.as_dict()) {
        EXPECT_TRUE(equal(tensor, original_["model"][key.as_string()])) << size;
      }
    }
    EXPECT_EQ(kept_before, 5U);
  }

  TemporaryDirectory directory_;
  std::filesystem::path in_ = directory_ / "in.pt";
  std::filesystem::path out_ = directory_ / "out.pt";
  Value original_;
};

std::map<std::string, std::string> conditions(const RepairReport& report) {
  std::map<std::string, std::string> result;
  for (const RestoredTensor& tensor : report.tensors) {
    result[tensor.name] =
        std::string(name(tensor.condition)) + (tensor.is_kept ? "" : ", not kept");
  }
  return result;
}

TEST_F(Repair, SavesAWholeFileAsItIs) {
  const RepairReport report = repaired(saved());
  EXPECT_TRUE(report.is_complete()) << to_string(report);
  EXPECT_TRUE(equal(load(out_), original_));
}

TEST_F(Repair, RebuildsTheDirectory) {
  const std::string content = saved();
  const RepairReport report = repaired(content.substr(0, content.find("PK\1\2")));
  EXPECT_TRUE(report.is_complete()) << to_string(report);
  EXPECT_TRUE(equal(load(out_), original_));
}

TEST_F(Repair, LeavesOutTensorsWhoseChecksumDiffers) {
  std::string content = saved();
  content[content.find(kBias)] ^= 3;
  const RepairReport report = repaired(content);
  EXPECT_FALSE(report.is_complete());
  EXPECT_EQ(conditions(report)["model.bias"], "damaged, not kept");
  EXPECT_EQ(conditions(report)["model.weight"], "whole");
  const Value value = load(out_);
  EXPECT_FALSE(value["model"].contains("bias"));
  EXPECT_TRUE(equal(value["model"]["weight"], original_["model"]["weight"]));
  EXPECT_EQ(value["epoch"].as_int(), 3);
  EXPECT_EQ(verify(out_).verdict(), VerifyReport::Verdict::ok);
}

TEST_F(Repair, KeepsDamagedTensorsOnRequest) {
  std::string content = saved();
  content[content.find(kBias) + 2] ^= 0x60;
  const RepairReport report = repaired(content, {.keep_damaged = true});
  EXPECT_FALSE(report.is_complete());
  EXPECT_EQ(load(out_)["model"]["bias"].as_tensor().item_as_double(), 4);
}

TEST_F(Repair, MendsASingleFlippedBit) {
  const std::string content = saved();
  for (const std::string& place : {kBias, kWeight, std::string("epoch"), std::string("model")}) {
    std::string damaged = content;
    damaged[damaged.find(place) + 1] ^= 0x10;
    const RepairReport report = repaired(damaged);
    EXPECT_TRUE(report.is_complete()) << to_string(report);
    EXPECT_TRUE(equal(load(out_), original_));
  }
}

TEST_F(Repair, TakesLostTensorsOutOfListsAndTuples) {
  std::string content = saved();
  for (const float number : {9.0F, 11.0F}) {
    const std::string bytes(reinterpret_cast<const char*>(&number), sizeof(number));
    std::size_t at = content.find(bytes);
    while (at % 64 != 0) at = content.find(bytes, at + 1);
    content.at(at) ^= 3;
  }
  repaired(content);
  const Value value = load(out_);
  EXPECT_TRUE(value["list"][0].is_none());
  EXPECT_EQ(value["list"][1].as_int(), 10);
  EXPECT_FALSE(value.contains("tuple"));
}

TEST_F(Repair, FillsPartialTensorsOnRequest) {
  const std::string content = saved();
  const std::string cut = content.substr(0, content.find(kBias) + 4);
  RepairReport report = repaired(cut);
  EXPECT_EQ(conditions(report)["model.bias"], "partial, not kept");
  EXPECT_EQ(conditions(report)["model.weight"], "whole");
  EXPECT_EQ(conditions(report)["list.0"], "lost, not kept");
  EXPECT_FALSE(load(out_)["model"].contains("bias"));
  report = repaired(cut, {.fill_partial = true});
  EXPECT_EQ(conditions(report)["model.bias"], "partial");
  EXPECT_TRUE(equal(load(out_)["model"]["bias"].as_tensor(), Tensor::of<float>({7, 0}, {2})));
}

TEST_F(Repair, KeepsWhatLiesBeforeEveryTruncation) {
  for (const Layout layout : {Layout::latest, Layout::torch_1_13}) {
    check_truncations(saved({.layout = layout}), 4);
  }
}

TEST_F(Repair, SavesStoragesAsBytesWithoutThePickle) {
  std::string content = saved();
  const std::size_t pickle = content.find("}q") - 2;  // where it begins
  content[pickle + 1] = '\x7f';
  const RepairReport report = repaired(content);
  EXPECT_FALSE(report.is_complete());
  EXPECT_THAT(report.notes, Contains(HasSubstr("names, types and shapes are lost")));
  const Value value = load(out_);
  ASSERT_TRUE(value.contains("data/0")) << to_string(report);
  EXPECT_EQ(value["data/0"].as_tensor().size_bytes(), 24U);
}

TEST_F(Repair, SaysThatNamesAreDoubtful) {
  std::string content = saved();
  content[content.find("epoch")] ^= 3;
  const RepairReport report = repaired(content);
  EXPECT_THAT(report.notes, Contains(HasSubstr("may be wrong")));
  EXPECT_FALSE(report.is_complete());
  EXPECT_TRUE(report.is_written);
}

TEST_F(Repair, WritesNothingWhereNothingIsLeft) {
  const RepairReport report = repaired("PK\3\4 and nothing else");
  EXPECT_FALSE(report.is_written);
  EXPECT_FALSE(std::filesystem::exists(out_));
  EXPECT_THAT(report.notes, Contains("nothing could be saved"));
}

TEST_F(Repair, NeverWritesOverItsInput) {
  const std::string content = saved();
  EXPECT_ERROR(repair(in_, in_), ErrorCode::invalid_argument, HasSubstr("damaged file itself"));
  const std::filesystem::path link = directory_ / "link.pt";
  std::filesystem::create_symlink(in_, link);
  EXPECT_ERROR(repair(in_, link), ErrorCode::invalid_argument, HasSubstr("damaged file itself"));
  EXPECT_EQ(file_content(in_), content);
}

TEST_F(Repair, KeepsTensorsThatLieInTheWholePartOfAStorage) {
  const Tensor base = Tensor::of<float>({1, 2, 3, 4, 5, 6, 7, 8}, {8});
  save(ordered_dict({{"head", Tensor(base.storage(), DType::float32, {2}, {1}, 0)},
                     {"tail", Tensor(base.storage(), DType::float32, {2}, {1}, 6)}}),
       in_);
  const std::string content = file_content(in_);
  const RepairReport report = repaired(content.substr(0, content.find(kWeight) + 16));
  EXPECT_EQ(conditions(report)["head"], "unverified");
  EXPECT_EQ(conditions(report)["tail"], "lost, not kept");
}

TEST_F(Repair, SavesTheTensorsOfScripts) {
  const std::filesystem::path script = shared_data("formats/silero_vad.jit");
  SKIP_WITHOUT(script);
  const RepairReport report = repaired(file_content(script));
  EXPECT_TRUE(report.is_written) << to_string(report);
  EXPECT_GT(load(out_).as_state_dict().size(), 10U);
}

TEST_F(Repair, WritesNamesThatCanBeRead) {
  const std::string broken = testing::build_zip({testing::stored("a/data.pkl", "\x80\x02X"),
                                                 testing::stored("a/data/\xd1", "bytes"),
                                                 testing::stored("a/version", "3\n")});
  const RepairReport report = repaired(broken);
  EXPECT_TRUE(report.is_written) << to_string(report);
  EXPECT_EQ(verify(out_).verdict(), VerifyReport::Verdict::ok);
  EXPECT_EQ(load(out_).as_dict().begin()->first.as_string(), "data/\\xd1");
}

TEST_F(Repair, KeepsWhatLiesBeforeEveryTruncationOfStackedPickles) {
  const std::string content = saved({.format = "pt-legacy"});
  check_truncations(content, 15);
  EXPECT_TRUE(repaired(content).is_complete());
}

TEST_F(Repair, KeepsWhatLiesBeforeEveryTruncationOfSafetensors) {
  const std::filesystem::path path = directory_ / "model.safetensors";
  const Value original = ordered_dict({{"a", Tensor::of<float>({1, 2, 3}, {3})},
                                       {"b", Tensor::of<float>({4, 5}, {2})},
                                       {"c", Tensor::of<std::uint8_t>({6}, {1})}});
  save(original, path);
  const std::string content = file_content(path);
  std::size_t kept_before = 0;
  for (std::size_t size = 10; size <= content.size(); ++size) {
    const RepairReport report = repaired(content.substr(0, size));
    if (!report.is_written) continue;
    const Value value = load(out_);
    EXPECT_GE(value.size(), kept_before) << size;
    kept_before = value.size();
    for (const auto& [key, tensor] : value.as_dict()) {
      EXPECT_TRUE(equal(tensor, original[key.as_string()])) << size;
    }
  }
  EXPECT_EQ(kept_before, 3U);
  EXPECT_TRUE(repaired(content).is_complete());
  const RepairReport partial =
      repaired(content.substr(0, content.size() - 3), {.fill_partial = true});
  EXPECT_EQ(conditions(partial)["b"], "partial") << to_string(partial);
  EXPECT_EQ(conditions(partial)["c"], "lost, not kept");
}

TEST_F(Repair, RefusesOtherFiles) {
  EXPECT_ERROR(repaired("just text"), ErrorCode::unsupported, HasSubstr("none of them"));
}

TEST_F(Repair, SpeaksJson) {
  std::string content = saved();
  content[content.find(kBias)] ^= 3;
  const std::string json = to_json(repaired(content));
  EXPECT_THAT(json, HasSubstr(R"("condition": "damaged")"));
  EXPECT_THAT(json, HasSubstr(R"("complete": false)"));
}

}  // namespace
}  // namespace torchkeep
