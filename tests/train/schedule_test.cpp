#include <torchkeep/schedule.h>

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr ScheduleDefaults kDefaults{.lr = 0.5, .total = 40};

TEST(Schedule, IsParsedWithItsOptions) {
  const Schedule step = parse_schedule("step:step_size=30,gamma=0.25", kDefaults);
  EXPECT_EQ(std::get<StepLR>(step.form).step_size, 30);
  EXPECT_EQ(std::get<StepLR>(step.form).gamma, 0.25);
  const Schedule multistep = parse_schedule("multistep:milestones=10+20+35", kDefaults);
  EXPECT_THAT(std::get<MultiStepLR>(multistep.form).milestones, ElementsAre(10, 20, 35));
  EXPECT_EQ(name(parse_schedule("plateau:patience=2,cooldown=1", kDefaults)), "ReduceLROnPlateau");
}

TEST(Schedule, TakesFromTheTrainingWhatTheTextLeavesOpen) {
  EXPECT_EQ(std::get<CosineAnnealingLR>(parse_schedule("cosine", kDefaults).form).t_max, 40);
  const auto cycle = std::get<OneCycleLR>(parse_schedule("one-cycle", kDefaults).form);
  EXPECT_EQ(cycle.max_lr, 0.5);
  EXPECT_EQ(cycle.total_steps, 40);
  const auto warmup = std::get<SequentialLR>(parse_schedule("warmup-cosine", kDefaults).form);
  EXPECT_THAT(warmup.milestones, ElementsAre(2));
  EXPECT_EQ(std::get<CosineAnnealingLR>(warmup.schedules[1].form).t_max, 38);
}

TEST(Schedule, SaysWhatIsWrongWithAText) {
  const auto refuses = [](const char* text, const auto& matcher) {
    EXPECT_ERROR(parse_schedule(text, kDefaults), ErrorCode::invalid_argument, matcher);
  };
  refuses("stepp", AllOf(HasSubstr("no schedule \"stepp\""), HasSubstr("warmup-cosine")));
  refuses("step:size=3", AllOf(HasSubstr("no option size"), HasSubstr("step_size, gamma")));
  refuses("step:step_size=x", HasSubstr("no value for step_size"));
  refuses("step:step_size", HasSubstr("name=value"));
  refuses("step", HasSubstr("step_size"));
  refuses("multistep:milestones=3+", HasSubstr("milestones"));
  refuses("warmup-cosine:warmup=40", HasSubstr("warm-up"));
}

}  // namespace
}  // namespace torchkeep
