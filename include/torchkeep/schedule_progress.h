// How far a schedule has come, and the rates that follow: arithmetic that needs no LibTorch.
//
// Every rate is the double that PyTorch 1.13 computes: from the rate before where Python chains,
// from the first rate where it does not. torchkeep/scheduler.h applies them to an optimizer.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <torchkeep/schedule.h>
#include <torchkeep/value.h>

namespace torchkeep {

// What a schedule reads and changes in one group of an optimizer.
struct ScheduledGroup {
  double lr = 0.0;
  std::optional<double> momentum = std::nullopt;  // or the first beta; nothing where there is none
  bool momentum_is_beta = false;
  // What Python keeps beside them: initial_lr and, of OneCycleLR, max_lr, min_lr, ...
  std::map<std::string, double, std::less<>> extras = {};
};
using ScheduledGroups = std::vector<ScheduledGroup>;

// A schedule and how far it has come. Each function takes the groups of the one optimizer that the
// schedule drives. Not synchronised.
class ScheduleProgress {
 public:
  // As Python's constructor: notes initial_lr in the groups and sets the first rates.
  // Throws invalid_argument, also for options that Python divides by zero with.
  ScheduleProgress(Schedule schedule, ScheduledGroups& groups);

  // Sets the rates for what comes next. `metric` is for ReduceLROnPlateau alone, which needs it.
  // Throws invalid_argument without it, with one that is not asked for, and past the last step of a
  // OneCycleLR.
  void step(ScheduledGroups& groups, std::optional<double> metric = std::nullopt);

  bool needs_metric() const { return std::holds_alternative<ReduceLROnPlateau>(schedule_.form); }
  const Schedule& schedule() const { return schedule_; }
  std::int64_t last_epoch() const { return last_epoch_; }          // the calls of step() so far
  const std::vector<double>& last_lr() const { return last_lr_; }  // set last, one a group

  // The keys and the kinds of values of Python's state_dict(). Loading takes over the options as
  // well, as Python does, and keeps what else is in the state. Throws mismatch, not_found naming
  // the key: for the state of another class or of another number of groups; nothing is changed.
  Value state_dict() const;
  void load_state_dict(const Value& state);

  // Throws mismatch unless these rates of the groups are those that the schedule set last: then the
  // states of the optimizer and of the schedule are of two moments.
  void check_rates(const std::vector<double>& rates) const;

 private:
  enum class Advance { next, restart };  // restart: at epoch 0, from the first rate

  void construct(ScheduledGroups& groups);
  void construct_sequence(const SequentialLR& sequence, ScheduledGroups& groups);
  void advance(ScheduledGroups& groups, Advance how);
  void advance_sequence(ScheduledGroups& groups);
  void reduce_on_plateau(ScheduledGroups& groups, double metric);
  void set_counters(Dict& state) const;
  void read(const Value& state);
  void read_counters(const Value& state);

  Schedule schedule_;
  std::vector<double> base_lrs_;
  std::vector<double> last_lr_;
  std::int64_t last_epoch_ = -1;
  std::int64_t step_count_ = 0;
  double best_ = std::numeric_limits<double>::infinity();  // of ReduceLROnPlateau, as the next two
  std::int64_t bad_epochs_ = 0;
  std::int64_t cooldown_left_ = 0;
  bool uses_beta_ = false;               // of OneCycleLR
  std::vector<double> min_lrs_;          // of ReduceLROnPlateau, one a group
  std::vector<ScheduleProgress> parts_;  // of SequentialLR
  Value loaded_;                         // the state that was loaded last
};

}  // namespace torchkeep
