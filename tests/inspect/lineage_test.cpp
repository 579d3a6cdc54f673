#include <filesystem>
#include <string>
#include <vector>

#include <torchkeep/lineage.h>
#include <torchkeep/save.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using State = LineageStep::State;

// Pretrained weights, a run that starts from them, and one that starts from that.
class LineageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"pretrained", "first", "second"}) {
      fs::create_directory(directory_ / name);
    }
    save(dict({{"weight", Tensor::scalar<float>(1.0F)}}), weights_);
    save(checkpoint(3, make_lineage(directory_ / "first",
                                    {.parent = weights_, .command = {"train", "--lr", "1"}})),
         first_);
    save(checkpoint(7, make_lineage(directory_ / "second",
                                    {.parent = first_, .command = {"train", "it's"}})),
         second_);
  }

  static Value checkpoint(int epoch, const Value& notes) {
    return dict({{"epoch", epoch},
                 {"global_step", 10 * epoch},
                 {"lineage", notes},
                 {"versions", dict({{"torchkeep", "0.1.0"}})}});
  }

  static std::vector<State> states(const std::vector<LineageStep>& chain) {
    std::vector<State> result;
    for (const LineageStep& step : chain) result.push_back(step.state);
    return result;
  }

  testing::TemporaryDirectory directory_;
  fs::path weights_ = directory_ / "pretrained" / "weights.pt";
  fs::path first_ = directory_ / "first" / "3.pt";
  fs::path second_ = directory_ / "second" / "7.pt";
};

TEST_F(LineageTest, GoesBackToThePretrainedWeights) {
  const auto chain = lineage(second_);
  ASSERT_THAT(chain, SizeIs(3));
  EXPECT_TRUE(fs::equivalent(chain[0].path, weights_));
  EXPECT_TRUE(fs::equivalent(chain[1].path, first_));
  EXPECT_EQ(chain[2].path, second_);
  EXPECT_THAT(states(chain), ElementsAre(State::unchanged, State::unchanged, State::unchanged));
  EXPECT_FALSE(chain[0].epoch.has_value());
  EXPECT_EQ(chain[1].epoch, 3);
  EXPECT_EQ(chain[1].step, 30);
  EXPECT_THAT(chain[1].command, ElementsAre("train", "--lr", "1"));
  EXPECT_THAT(chain[1].sha256, SizeIs(64));
  EXPECT_EQ(chain[1].bytes, fs::file_size(first_));
  EXPECT_EQ(chain[2].epoch, 7);
  EXPECT_THAT(chain[2].sha256, IsEmpty());
  EXPECT_EQ(chain[2].versions.at(0).second, "0.1.0");
}

TEST_F(LineageTest, NamesWhatIsMissingOrChangedAndGoesOn) {
  fs::remove(first_);
  EXPECT_THAT(states(lineage(second_)),
              ElementsAre(State::unchanged, State::missing, State::unchanged));
  testing::write_content(first_, "something else");
  const auto chain = lineage(second_);
  EXPECT_THAT(states(chain), ElementsAre(State::unchanged, State::changed, State::unchanged));
  EXPECT_EQ(chain[1].epoch, 3);
}

TEST_F(LineageTest, MovesWithTheRuns) {
  const fs::path moved = directory_ / "moved";
  fs::create_directory(moved);
  for (const char* name : {"pretrained", "first", "second"}) {
    fs::rename(directory_ / name, moved / name);
  }
  EXPECT_THAT(states(lineage(moved / "second" / "7.pt")),
              ElementsAre(State::unchanged, State::unchanged, State::unchanged));
}

TEST_F(LineageTest, AFileWithoutNotesIsAChainOfOne) {
  EXPECT_THAT(lineage(weights_), SizeIs(1));
  EXPECT_ERROR(lineage(directory_ / "nothing.pt"), ErrorCode::not_found, HasSubstr("nothing.pt"));
}

TEST_F(LineageTest, NotesWithoutSenseAreAnError) {
  const Value outside =
      dict({{"path", "/etc/passwd"}, {"bytes", 1}, {"sha256", std::string(64, '0')}});
  save(checkpoint(1, dict({{"parent", outside}, {"command", Value()}})), second_);
  EXPECT_ERROR(lineage(second_), ErrorCode::corrupt,
               AllOf(HasSubstr("7.pt"), HasSubstr("no relative path")));
}

TEST_F(LineageTest, TooLongAChainIsRefused) {
  Value notes = dict({{"parent", Value()}});
  for (int i = 0; i < 1001; ++i) {
    notes = dict({{"parent", dict({{"path", "no.pt"},
                                   {"bytes", 1},
                                   {"sha256", std::string(64, '0')},
                                   {"lineage", notes}})}});
  }
  save(checkpoint(1, notes), second_);
  EXPECT_ERROR(lineage(second_), ErrorCode::unsafe, HasSubstr("1000 files"));
}

TEST_F(LineageTest, ARunThatGoesOnInItsDirectoryIsTheSameRun) {
  const Value started = make_lineage(directory_ / "second", {.command = {"again"}});
  const Value notes = checkpoint(3, make_lineage(directory_ / "first", {.parent = weights_}));
  const Value same = continued_lineage(notes, first_, directory_ / "first", started);
  EXPECT_TRUE(equal(same, notes["lineage"]));
  const Value other = continued_lineage(notes, first_, directory_ / "second", started);
  EXPECT_EQ(other["parent"]["path"].as_string(), "../first/3.pt");
  EXPECT_EQ(other["command"][0].as_string(), "again");
  EXPECT_TRUE(equal(
      continued_lineage(dict({{"epoch", 1}}), second_, directory_ / "second", started), started));
}

TEST_F(LineageTest, IsShownAsTextAndJson) {
  fs::remove(first_);
  const std::string text = to_string(lineage(second_));
  EXPECT_THAT(text, AllOf(HasSubstr("3.pt  epoch 3  step 30"), HasSubstr("(missing)"),
                          HasSubstr("train 'it'\\''s'"), HasSubstr("torchkeep 0.1.0")));
  const auto json = nlohmann::json::parse(to_json(lineage(second_)));
  ASSERT_EQ(json["files"].size(), 3U);
  EXPECT_EQ(json["files"][1]["state"], "missing");
  EXPECT_EQ(json["files"][1]["command"][1], "--lr");
  EXPECT_TRUE(json["files"][0]["epoch"].is_null());
  EXPECT_TRUE(json["files"][2]["sha256"].is_null());
}

}  // namespace
}  // namespace torchkeep
