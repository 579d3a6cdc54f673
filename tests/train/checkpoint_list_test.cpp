#include <cmath>

#include <torchkeep/checkpoint_list.h>

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<CheckpointInfo> kCheckpoints = {
    {.epoch = 0, .step = 10, .metrics = {{"acc", 0.5}}, .file_bytes = 30},
    {.epoch = 1, .step = 20, .metrics = {{"acc", NAN}}, .file_bytes = 10},
    {.epoch = 2, .step = 30, .metrics = {{"acc", 0.9}}, .file_bytes = 20},
    {.epoch = 3, .step = 40, .metrics = {}, .file_bytes = 20}};

std::vector<int> epochs(const std::vector<CheckpointInfo>& checkpoints) {
  std::vector<int> result;
  for (const CheckpointInfo& info : checkpoints) result.push_back(info.epoch);
  return result;
}

TEST(CheckpointList, IsSortedByAnything) {
  EXPECT_THAT(epochs(sorted_by(kCheckpoints, "bytes")), ElementsAre(1, 2, 3, 0));
  EXPECT_THAT(epochs(sorted_by(kCheckpoints, "step", SortOrder::descending)),
              ElementsAre(3, 2, 1, 0));
}

TEST(CheckpointList, NanAndAMissingMetricComeLastInBothOrders) {
  EXPECT_THAT(epochs(sorted_by(kCheckpoints, "acc")), ElementsAre(0, 2, 1, 3));
  EXPECT_THAT(epochs(sorted_by(kCheckpoints, "acc", SortOrder::descending)),
              ElementsAre(2, 0, 1, 3));
}

TEST(CheckpointList, IsFilteredByConditions) {
  const auto chosen = [](const char* condition) {
    return epochs(where(kCheckpoints, parse_condition(condition)));
  };
  EXPECT_THAT(chosen("acc>=0.9"), ElementsAre(2));
  EXPECT_THAT(chosen("acc<0.9"), ElementsAre(0));
  EXPECT_THAT(chosen("acc>0.9"), IsEmpty());
  EXPECT_THAT(chosen("epoch<=1"), ElementsAre(0, 1));
}

TEST(CheckpointList, AConditionThatIsNoneIsAnError) {
  for (const char* text : {"", "acc", ">1", "acc=1", "acc>", "acc>x", "acc>1 "}) {
    EXPECT_ERROR(parse_condition(text), ErrorCode::invalid_argument, HasSubstr("no condition"));
  }
}

TEST(CheckpointList, AMetricThatThereIsNotIsAnError) {
  EXPECT_ERROR(sorted_by(kCheckpoints, "accc"), ErrorCode::not_found,
               AllOf(HasSubstr("no checkpoint has the metric \"accc\" (there are acc)"),
                     HasSubstr("did you mean \"acc\"?")));
  EXPECT_ERROR(where(kCheckpoints, parse_condition("loss<1")), ErrorCode::not_found,
               HasSubstr("loss"));
  require_metric({}, "anything");
}

}  // namespace
}  // namespace torchkeep
