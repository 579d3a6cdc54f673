#include "train/schedule_rates.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/fail.h"

namespace torchkeep {
namespace {

using std::numbers::pi;

double as_double(std::int64_t number) { return static_cast<double>(number); }

// base ** exponent
double power(double base, std::int64_t exponent) { return std::pow(base, as_double(exponent)); }

void require(bool holds, std::string_view field, std::string_view expected, double got) {
  if (holds) return;
  fail(ErrorCode::invalid_argument, "{} of a schedule is {} (expected {})", field, got, expected);
}

void require_positive(std::string_view field, std::int64_t count) {
  constexpr std::int64_t kMost = std::int64_t{1} << 53;  // as far as a double counts
  require(count > 0 && count <= kMost, field, "a count from 1", as_double(count));
}

void require_finite(std::string_view field, double number) {
  require(std::isfinite(number), field, "a finite number", number);
}

// The milestones up to `epoch`; `milestones` is in ascending order.
std::int64_t milestones_passed(const std::vector<std::int64_t>& milestones, std::int64_t epoch) {
  return std::upper_bound(milestones.begin(), milestones.end(), epoch) - milestones.begin();
}

struct Check {
  void operator()(const StepLR& s) const {
    require_positive("step_size", s.step_size);
    require_finite("gamma", s.gamma);
  }
  void operator()(const MultiStepLR& s) const { require_finite("gamma", s.gamma); }
  void operator()(const ExponentialLR& s) const { require_finite("gamma", s.gamma); }
  void operator()(const CosineAnnealingLR& s) const {
    require_positive("t_max", s.t_max);
    require_finite("eta_min", s.eta_min);
  }
  void operator()(const LinearLR& s) const {
    require(s.start_factor > 0.0 && s.start_factor <= 1.0, "start_factor", "above 0, at most 1",
            s.start_factor);
    require(s.end_factor >= 0.0 && s.end_factor <= 1.0, "end_factor", "from 0 to 1", s.end_factor);
    require_positive("total_iters", s.total_iters);
  }
  void operator()(const ConstantLR& s) const {
    require(s.factor > 0.0 && s.factor <= 1.0, "factor", "above 0, at most 1", s.factor);
  }
  void operator()(const ReduceLROnPlateau& s) const {
    require(s.factor < 1.0, "factor", "below 1", s.factor);
    require_finite("threshold", s.threshold);
  }
  void operator()(const OneCycleLR& s) const {
    require_positive("total_steps", s.total_steps);
    require(s.pct_start >= 0.0 && s.pct_start <= 1.0, "pct_start", "from 0 to 1", s.pct_start);
    require(s.max_lr > 0.0, "max_lr", "above 0", s.max_lr);
    require(s.div_factor > 0.0, "div_factor", "above 0", s.div_factor);
    require(s.final_div_factor > 0.0, "final_div_factor", "above 0", s.final_div_factor);
    require(one_cycle_phases(s).front().end_step != 0.0, "pct_start",
            "not the inverse of total_steps: the first phase would have no length", s.pct_start);
  }
  void operator()(const SequentialLR& s) const {
    require_positive("number of parts", static_cast<std::int64_t>(s.schedules.size()));
    require(s.milestones.size() + 1 == s.schedules.size(), "number of milestones",
            "one less than schedules", static_cast<double>(s.milestones.size()));
    require(std::is_sorted(s.milestones.begin(), s.milestones.end()), "first of the milestones",
            "ascending ones", s.milestones.empty() ? 0.0 : as_double(s.milestones.front()));
    for (const Schedule& part : s.schedules) {
      if (std::holds_alternative<ReduceLROnPlateau>(part.form) ||
          std::holds_alternative<OneCycleLR>(part.form) ||
          std::holds_alternative<SequentialLR>(part.form)) {
        fail(ErrorCode::invalid_argument, "{} cannot be part of a SequentialLR", name(part));
      }
      check_schedule(part);
    }
  }
};

struct ChainedRate {
  RateInput in;

  double operator()(const StepLR& s) const {
    return in.epoch == 0 || in.epoch % s.step_size != 0 ? in.lr : in.lr * s.gamma;
  }
  double operator()(const MultiStepLR& s) const {
    const auto times = std::count(s.milestones.begin(), s.milestones.end(), in.epoch);
    return times == 0 ? in.lr : in.lr * power(s.gamma, times);
  }
  double operator()(const ExponentialLR& s) const {
    return in.epoch == 0 ? in.lr : in.lr * s.gamma;
  }
  double operator()(const CosineAnnealingLR& s) const {
    if (in.epoch == 0) return in.lr;
    const double t_max = as_double(s.t_max);
    if ((in.epoch - 1 - s.t_max) % (2 * s.t_max) == 0) {
      return in.lr + (in.base_lr - s.eta_min) * (1 - std::cos(pi / t_max)) / 2;
    }
    return (1 + std::cos(pi * as_double(in.epoch) / t_max)) /
               (1 + std::cos(pi * as_double(in.epoch - 1) / t_max)) * (in.lr - s.eta_min) +
           s.eta_min;
  }
  double operator()(const LinearLR& s) const {
    if (in.epoch == 0) return in.lr * s.start_factor;
    if (in.epoch > s.total_iters) return in.lr;
    const double rise = s.end_factor - s.start_factor;
    return in.lr * (1.0 + rise / (as_double(s.total_iters) * s.start_factor +
                                  as_double(in.epoch - 1) * rise));
  }
  double operator()(const ConstantLR& s) const {
    if (in.epoch == 0) return in.lr * s.factor;
    return in.epoch == s.total_iters ? in.lr * (1.0 / s.factor) : in.lr;
  }
  template <class Other>
  double operator()(const Other&) const {
    fail(ErrorCode::internal, "this schedule has no chained rate");
  }
};

struct ClosedRate {
  RateInput in;

  double operator()(const StepLR& s) const {
    return in.base_lr * power(s.gamma, in.epoch / s.step_size);
  }
  double operator()(const MultiStepLR& s) const {
    std::vector<std::int64_t> milestones = s.milestones;
    std::sort(milestones.begin(), milestones.end());
    return in.base_lr * power(s.gamma, milestones_passed(milestones, in.epoch));
  }
  double operator()(const ExponentialLR& s) const { return in.base_lr * power(s.gamma, in.epoch); }
  double operator()(const CosineAnnealingLR& s) const {
    return s.eta_min + (in.base_lr - s.eta_min) *
                           (1 + std::cos(pi * as_double(in.epoch) / as_double(s.t_max))) / 2;
  }
  double operator()(const LinearLR& s) const {
    return in.base_lr * (s.start_factor + (s.end_factor - s.start_factor) *
                                              as_double(std::min(s.total_iters, in.epoch)) /
                                              as_double(s.total_iters));
  }
  double operator()(const ConstantLR& s) const {
    const double passed = in.epoch >= s.total_iters ? 1.0 : 0.0;
    return in.base_lr * (s.factor + passed * (1 - s.factor));
  }
  template <class Other>
  double operator()(const Other&) const {
    fail(ErrorCode::internal, "this schedule has no closed rate");
  }
};

double anneal(OneCycleLR::Anneal form, double start, double end, double part) {
  if (form == OneCycleLR::Anneal::linear) return (end - start) * part + start;
  return end + (start - end) / 2.0 * (std::cos(pi * part) + 1);
}

double extra(const ScheduledGroup& group, std::string_view key) {
  const auto found = group.extras.find(key);
  if (found != group.extras.end()) return found->second;
  fail_at(ErrorCode::mismatch, {}, "load the state of the optimizer before that of its schedule",
          "a group of the optimizer has no '{}', which OneCycleLR keeps there", key);
}

}  // namespace

void check_schedule(const Schedule& schedule) { std::visit(Check(), schedule.form); }

double chained_rate(const Schedule& schedule, const RateInput& input) {
  return std::visit(ChainedRate{input}, schedule.form);
}

double closed_rate(const Schedule& schedule, const RateInput& input) {
  return std::visit(ClosedRate{input}, schedule.form);
}

std::vector<OneCyclePhase> one_cycle_phases(const OneCycleLR& s) {
  const double total = as_double(s.total_steps);
  const OneCyclePhase rise{s.pct_start * total - 1, "initial_lr", "max_lr", "max_momentum",
                           "base_momentum"};
  if (!s.three_phase) {
    return {rise, {total - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"}};
  }
  return {rise,
          {2 * s.pct_start * total - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum"},
          {total - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"}};
}

void set_one_cycle_rate(const OneCycleLR& s, std::int64_t step, ScheduledGroup& group) {
  if (step > s.total_steps) {
    fail_at(ErrorCode::invalid_argument, {}, "give OneCycleLR the number of steps there will be",
            "OneCycleLR is asked for step {} (expected at most total_steps, {})", step,
            s.total_steps);
  }
  const std::vector<OneCyclePhase> phases = one_cycle_phases(s);
  double start_step = 0.0;
  std::size_t i = 0;
  for (; i + 1 < phases.size() && as_double(step) > phases[i].end_step; ++i) {
    start_step = phases[i].end_step;
  }
  const OneCyclePhase& phase = phases[i];
  const double length = phase.end_step - start_step;
  if (length == 0.0) {
    fail(ErrorCode::invalid_argument, "a phase of OneCycleLR has no length (at step {})", step);
  }
  const double part = (as_double(step) - start_step) / length;
  const double lr =
      anneal(s.anneal, extra(group, phase.start_lr), extra(group, phase.end_lr), part);
  if (s.cycle_momentum) {
    group.momentum = anneal(s.anneal, extra(group, phase.start_momentum),
                            extra(group, phase.end_momentum), part);
  }
  group.lr = lr;
}

bool is_better(const ReduceLROnPlateau& s, double value, double best) {
  const bool relative = s.threshold_mode == ThresholdMode::relative;
  if (s.mode == Mode::min) {
    return value < (relative ? best * (1.0 - s.threshold) : best - s.threshold);
  }
  return value > (relative ? best * (s.threshold + 1.0) : best + s.threshold);
}

}  // namespace torchkeep
