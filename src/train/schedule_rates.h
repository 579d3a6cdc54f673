// The arithmetic of the schedules, operation for operation as PyTorch 1.13 does it, so that every
// double is the same. Nothing here keeps a state.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <torchkeep/schedule_progress.h>

namespace torchkeep {

// Throws invalid_argument for options that make no sense or that Python divides by zero with.
void check_schedule(const Schedule& schedule);

struct RateInput {
  double lr = 0.0;       // the rate before
  double base_lr = 0.0;  // initial_lr
  std::int64_t epoch = 0;
};

// The rate of `epoch`, computed from the one before it. Not for ReduceLROnPlateau, OneCycleLR and
// SequentialLR.
double chained_rate(const Schedule& schedule, const RateInput& input);

// The same from the base rate alone, as Python does where a part of a SequentialLR begins. The two
// differ in the last bits.
double closed_rate(const Schedule& schedule, const RateInput& input);

// One group's rate and momentum in step `step` of a OneCycleLR.
struct OneCyclePhase {
  double end_step = 0.0;
  std::string_view start_lr, end_lr, start_momentum, end_momentum;  // keys of a group
};
std::vector<OneCyclePhase> one_cycle_phases(const OneCycleLR& schedule);
void set_one_cycle_rate(const OneCycleLR& schedule, std::int64_t step, ScheduledGroup& group);

// Whether ReduceLROnPlateau takes `value` for better than `best`.
bool is_better(const ReduceLROnPlateau& schedule, double value, double best);

}  // namespace torchkeep
