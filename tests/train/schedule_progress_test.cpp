// The rates are those of PyTorch 1.13, digit for digit; tests/interop compares many more with it.
#include <torchkeep/schedule_progress.h>

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const ScheduledGroups kOneGroup{{.lr = 0.1, .momentum = 0.9}};

// The last three of the rates after `steps` steps.
std::vector<double> last_rates(const Schedule& schedule, int steps) {
  ScheduledGroups groups = kOneGroup;
  ScheduleProgress progress(schedule, groups);
  std::vector<double> rates;
  for (int i = 0; i < steps; ++i) {
    progress.step(groups);
    rates.push_back(groups[0].lr);
  }
  return {rates.end() - 3, rates.end()};
}

TEST(ScheduleProgress, HasPythonsRates) {
  EXPECT_THAT(last_rates(StepLR{.step_size = 3, .gamma = 0.7}, 6),
              ElementsAre(0.06999999999999999, 0.06999999999999999, 0x1.916872b020c49p-5));
  EXPECT_THAT(last_rates(MultiStepLR{.milestones = {2, 5, 5}, .gamma = 0.7}, 6),
              ElementsAre(0x1.1eb851eb851ebp-4, 0x1.18fc504816effp-5, 0x1.18fc504816effp-5));
  EXPECT_THAT(last_rates(ExponentialLR{.gamma = 0.97}, 40),
              ElementsAre(0x1.0176aecf503d0p-5, 0x1.f37ab987f2b3cp-6, 0x1.e47eb915ca242p-6));
  EXPECT_THAT(last_rates(CosineAnnealingLR{.t_max = 7, .eta_min = 1e-3}, 30),
              ElementsAre(0x1.99999999999dcp-4, 0x1.85856ffa7926dp-4, 0x1.4d43059b66388p-4));
  EXPECT_THAT(last_rates(LinearLR{.start_factor = 0.3, .end_factor = 0.9, .total_iters = 7}, 9),
              ElementsAre(0x1.70a3d70a3d70bp-4, 0x1.70a3d70a3d70bp-4, 0x1.70a3d70a3d70bp-4));
  EXPECT_THAT(last_rates(ConstantLR{.factor = 0.3, .total_iters = 4}, 4),
              ElementsAre(0.03, 0.03, 0x1.999999999999ap-4));
  EXPECT_THAT(last_rates(OneCycleLR{.max_lr = 0.5, .total_steps = 20}, 20),
              ElementsAre(0x1.9ae9178e61443p-8, 0x1.0c6f7a0b5ed8dp-19, 0x1.9ae9178e61443p-8));
  EXPECT_THAT(last_rates(cosine_with_warmup({.warmup = 5, .total = 25}), 25),
              ElementsAre(0x1.40c18a2fbc00dp-9, 0x1.42be25cd25434p-11, 0.0));
}

TEST(ScheduleProgress, SetsTheFirstRateAtOnce) {
  ScheduledGroups groups = kOneGroup;
  const ScheduleProgress progress(LinearLR{.start_factor = 0.5}, groups);
  EXPECT_EQ(groups[0].lr, 0.05);
  EXPECT_EQ(groups[0].extras.at("initial_lr"), 0.1);
  EXPECT_THAT(progress.last_lr(), ElementsAre(0.05));
}

TEST(ScheduleProgress, APlateauLowersTheRateAndWaits) {
  ScheduledGroups groups = kOneGroup;
  ScheduleProgress progress(
      ReduceLROnPlateau{.factor = 0.5, .patience = 1, .cooldown = 2, .min_lr = 0.04}, groups);
  std::vector<double> rates;
  for (int i = 0; i < 9; ++i) {
    progress.step(groups, 1.0);
    rates.push_back(groups[0].lr);
  }
  EXPECT_THAT(rates, ElementsAre(0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.04, 0.04, 0.04));
}

TEST(ScheduleProgress, OnlyAPlateauTakesAMetric) {
  ScheduledGroups groups = kOneGroup;
  ScheduleProgress plateau(ReduceLROnPlateau{}, groups);
  EXPECT_ERROR(plateau.step(groups), ErrorCode::invalid_argument, HasSubstr("without the metric"));
  ScheduleProgress step(StepLR{.step_size = 1}, groups);
  EXPECT_ERROR(step.step(groups, 1.0), ErrorCode::invalid_argument, HasSubstr("with a metric"));
}

TEST(ScheduleProgress, ACycleMovesTheMomentumAndEnds) {
  ScheduledGroups groups = kOneGroup;
  ScheduleProgress progress(OneCycleLR{.max_lr = 1.0, .total_steps = 10}, groups);
  EXPECT_EQ(groups[0].momentum, 0.95);
  for (int i = 0; i < 2; ++i) progress.step(groups);
  EXPECT_EQ(groups[0].momentum, 0.85);
  for (int i = 0; i < 8; ++i) progress.step(groups);
  const double last = groups[0].lr;
  EXPECT_ERROR(progress.step(groups), ErrorCode::invalid_argument, HasSubstr("at most"));
  EXPECT_EQ(groups[0].lr, last);
  EXPECT_EQ(progress.last_epoch(), 10);
}

TEST(ScheduleProgress, GoesOnFromItsState) {
  for (const Schedule& schedule :
       std::vector<Schedule>{StepLR{.step_size = 3}, MultiStepLR{.milestones = {4, 9}},
                             ExponentialLR{.gamma = 0.9}, CosineAnnealingLR{.t_max = 8}, LinearLR{},
                             ConstantLR{}, OneCycleLR{.max_lr = 0.3, .total_steps = 30},
                             cosine_with_warmup({.warmup = 4, .total = 20})}) {
    SCOPED_TRACE(name(schedule));
    ScheduledGroups straight = kOneGroup;
    ScheduleProgress progress(schedule, straight);
    for (int i = 0; i < 5; ++i) progress.step(straight);
    ScheduledGroups resumed = kOneGroup;
    ScheduleProgress other(schedule, resumed);
    other.load_state_dict(progress.state_dict());
    resumed = straight;
    EXPECT_TRUE(equal(other.state_dict(), progress.state_dict()));
    for (int i = 0; i < 10; ++i) {
      progress.step(straight);
      other.step(resumed);
      EXPECT_EQ(straight[0].lr, resumed[0].lr);
      EXPECT_EQ(straight[0].momentum, resumed[0].momentum);
    }
  }
}

TEST(ScheduleProgress, LoadingTakesOverTheOptionsAndKeepsTheRest) {
  ScheduledGroups groups = kOneGroup;
  const ScheduleProgress saved(StepLR{.step_size = 5, .gamma = 1.0}, groups);
  Dict state = saved.state_dict().as_dict();
  state.set("gamma", 1);  // Python's ints stay ints
  state.set("added_later", "kept");
  ScheduleProgress loaded(StepLR{.step_size = 7}, groups);
  loaded.load_state_dict(state);
  EXPECT_EQ(std::get<StepLR>(loaded.schedule().form).step_size, 5);
  EXPECT_TRUE(equal(loaded.state_dict(), state));
}

TEST(ScheduleProgress, AStateThatDoesNotFitChangesNothing) {
  ScheduledGroups groups = kOneGroup;
  ScheduleProgress progress(ExponentialLR{.gamma = 0.9}, groups);
  const Value before = progress.state_dict();
  const auto refuses = [&](const char* key, Value value, ErrorCode code, const char* text) {
    Dict state = before.as_dict();
    state.set(key, std::move(value));
    EXPECT_ERROR(progress.load_state_dict(state), code, HasSubstr(text));
    EXPECT_TRUE(equal(progress.state_dict(), before));
  };
  refuses("step_size", 3, ErrorCode::mismatch, "not the state of a ExponentialLR");
  refuses("base_lrs", list({0.1, 0.2}), ErrorCode::mismatch, "expected 1, got 2");
  refuses("last_epoch", -7, ErrorCode::corrupt, "last_epoch is -7");
  refuses("gamma", "much", ErrorCode::mismatch, "");
  EXPECT_ERROR(progress.load_state_dict(dict({{"gamma", 0.5}})), ErrorCode::not_found,
               HasSubstr("last_epoch"));
}

TEST(ScheduleProgress, RatesOfAnotherMomentAreNoticed) {
  ScheduledGroups groups = kOneGroup;
  const ScheduleProgress progress(ExponentialLR{.gamma = 0.9}, groups);
  progress.check_rates({0.1});
  EXPECT_ERROR(progress.check_rates({0.09}), ErrorCode::mismatch,
               AllOf(HasSubstr("expected 0.1, got 0.09"), HasSubstr("the same checkpoint")));
}

TEST(ScheduleProgress, OptionsThatMakeNoSenseAreRefused) {
  for (const Schedule& schedule : std::vector<Schedule>{
           StepLR{}, CosineAnnealingLR{}, LinearLR{.start_factor = 0.0}, ConstantLR{.factor = 0.0},
           ReduceLROnPlateau{.factor = 1.0}, OneCycleLR{.max_lr = 0.1},
           OneCycleLR{.max_lr = 0.1, .total_steps = 10, .pct_start = 0.1},
           SequentialLR{.schedules = {LinearLR{}, ExponentialLR{}}},
           SequentialLR{.schedules = {LinearLR{}, ReduceLROnPlateau{}}, .milestones = {3}}}) {
    ScheduledGroups groups = kOneGroup;
    EXPECT_ERROR(ScheduleProgress(schedule, groups), ErrorCode::invalid_argument, HasSubstr(""));
    EXPECT_EQ(groups[0].lr, 0.1);
    EXPECT_THAT(groups[0].extras, SizeIs(0));
  }
}

}  // namespace
}  // namespace torchkeep
