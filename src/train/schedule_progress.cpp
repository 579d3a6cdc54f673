#include <algorithm>
#include <limits>
#include <utility>

#include <torchkeep/schedule_progress.h>

#include "base/fail.h"
#include "train/schedule_rates.h"

namespace torchkeep {
namespace {

std::vector<double> rates_of(const ScheduledGroups& groups) {
  std::vector<double> rates;
  for (const ScheduledGroup& group : groups) rates.push_back(group.lr);
  return rates;
}

// What OneCycleLR notes in a group when it is made.
void start_cycle(const OneCycleLR& schedule, ScheduledGroup& group) {
  const double initial_lr = schedule.max_lr / schedule.div_factor;
  group.extras["initial_lr"] = initial_lr;
  group.extras["max_lr"] = schedule.max_lr;
  group.extras["min_lr"] = initial_lr / schedule.final_div_factor;
  if (!schedule.cycle_momentum) return;
  if (!group.momentum) {
    fail_at(ErrorCode::invalid_argument, {}, "switch cycle_momentum off",
            "OneCycleLR cycles the momentum, which this optimizer does not have");
  }
  group.momentum = schedule.max_momentum;
  group.extras["max_momentum"] = schedule.max_momentum;
  group.extras["base_momentum"] = schedule.base_momentum;
}

}  // namespace

ScheduleProgress::ScheduleProgress(Schedule schedule, ScheduledGroups& groups)
    : schedule_(std::move(schedule)) {
  check_schedule(schedule_);
  ScheduledGroups changed = groups;
  if (const auto* sequence = std::get_if<SequentialLR>(&schedule_.form)) {
    construct_sequence(*sequence, changed);
  } else if (const auto* plateau = std::get_if<ReduceLROnPlateau>(&schedule_.form)) {
    last_epoch_ = 0;
    best_ = plateau->mode == Mode::min ? best_ : -best_;
    min_lrs_.assign(groups.size(), plateau->min_lr);
  } else {
    construct(changed);
  }
  groups = std::move(changed);
}

void ScheduleProgress::construct(ScheduledGroups& groups) {
  if (const auto* cycle = std::get_if<OneCycleLR>(&schedule_.form)) {
    for (ScheduledGroup& group : groups) start_cycle(*cycle, group);
    uses_beta_ = !groups.empty() && groups.front().momentum_is_beta;
  }
  for (ScheduledGroup& group : groups) {
    base_lrs_.push_back(group.extras.try_emplace("initial_lr", group.lr).first->second);
  }
  advance(groups, Advance::next);
}

// As Python does it: each part is made, which changes the rates, and all but the first is undone.
void ScheduleProgress::construct_sequence(const SequentialLR& sequence, ScheduledGroups& groups) {
  for (const Schedule& part : sequence.schedules) parts_.emplace_back(part, groups);
  for (ScheduledGroup& group : groups) group.lr = group.extras.at("initial_lr");
  for (ScheduleProgress& part : parts_) --part.last_epoch_;
  parts_.front().step_count_ = 0;
  parts_.front().advance(groups, Advance::next);
  last_epoch_ = 0;
  last_lr_ = parts_.front().last_lr_;
}

void ScheduleProgress::step(ScheduledGroups& groups, std::optional<double> metric) {
  if (needs_metric() != metric.has_value()) {
    fail(ErrorCode::invalid_argument, "{} is stepped {}", name(schedule_),
         metric ? "with a metric, which it does not use" : "without the metric that it watches");
  }
  if (metric) {
    reduce_on_plateau(groups, *metric);
  } else if (parts_.empty()) {
    advance(groups, Advance::next);
  } else {
    advance_sequence(groups);
  }
}

void ScheduleProgress::advance(ScheduledGroups& groups, Advance how) {
  const std::int64_t epoch = how == Advance::restart ? 0 : last_epoch_ + 1;
  ScheduledGroups changed = groups;
  for (std::size_t i = 0; i < changed.size(); ++i) {
    ScheduledGroup& group = changed[i];
    const RateInput input{.lr = group.lr, .base_lr = base_lrs_[i], .epoch = epoch};
    if (const auto* cycle = std::get_if<OneCycleLR>(&schedule_.form)) {
      set_one_cycle_rate(*cycle, epoch, group);
    } else {
      group.lr =
          how == Advance::restart ? closed_rate(schedule_, input) : chained_rate(schedule_, input);
    }
  }
  groups = std::move(changed);
  last_epoch_ = epoch;
  ++step_count_;
  last_lr_ = rates_of(groups);
}

void ScheduleProgress::advance_sequence(ScheduledGroups& groups) {
  const auto& milestones = std::get<SequentialLR>(schedule_.form).milestones;
  ++last_epoch_;
  const auto passed = std::upper_bound(milestones.begin(), milestones.end(), last_epoch_);
  ScheduleProgress& part = parts_[static_cast<std::size_t>(passed - milestones.begin())];
  const bool begins = passed != milestones.begin() && *std::prev(passed) == last_epoch_;
  part.advance(groups, begins ? Advance::restart : Advance::next);
  last_lr_ = part.last_lr_;
}

void ScheduleProgress::reduce_on_plateau(ScheduledGroups& groups, double metric) {
  const auto& plateau = std::get<ReduceLROnPlateau>(schedule_.form);
  ++last_epoch_;
  if (is_better(plateau, metric, best_)) {
    best_ = metric;
    bad_epochs_ = 0;
  } else {
    ++bad_epochs_;
  }
  if (cooldown_left_ > 0) {
    --cooldown_left_;
    bad_epochs_ = 0;
  }
  if (bad_epochs_ > plateau.patience) {
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const double reduced = std::max(groups[i].lr * plateau.factor, min_lrs_[i]);
      if (groups[i].lr - reduced > plateau.eps) groups[i].lr = reduced;
    }
    cooldown_left_ = plateau.cooldown;
    bad_epochs_ = 0;
  }
  last_lr_ = rates_of(groups);
}

void ScheduleProgress::check_rates(const std::vector<double>& rates) const {
  if (last_lr_.empty() || rates == last_lr_) return;
  fail_at(ErrorCode::mismatch, {},
          "load the states of the optimizer and of the scheduler from the same checkpoint",
          "the optimizer's learning rates are not those that {} set last (expected {}, got {})",
          name(schedule_), fmt::join(last_lr_, ", "), fmt::join(rates, ", "));
}

}  // namespace torchkeep
