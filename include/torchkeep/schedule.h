// Learning rates over time: the schedules of torch.optim.lr_scheduler, with the same numbers.
//
// These describe a schedule. torchkeep/scheduler.h lets one drive an optimizer of LibTorch;
// torchkeep/schedule_progress.h holds the arithmetic, which needs none.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <torchkeep/early_stopping.h>
#include <torchkeep/metrics.h>

namespace torchkeep {

// The names and defaults are Python's. Counts are of calls of step(): epochs or optimizer steps.
struct StepLR {
  std::int64_t step_size = 0;
  double gamma = 0.1;
};
struct MultiStepLR {
  std::vector<std::int64_t> milestones = {};  // one that is there twice counts twice
  double gamma = 0.1;
};
struct ExponentialLR {
  double gamma = 1.0;
};
struct CosineAnnealingLR {
  std::int64_t t_max = 0;
  double eta_min = 0.0;
};
struct LinearLR {
  double start_factor = 1.0 / 3;
  double end_factor = 1.0;
  std::int64_t total_iters = 5;
};
struct ConstantLR {
  double factor = 1.0 / 3;
  std::int64_t total_iters = 5;
};
struct ReduceLROnPlateau {
  Mode mode = Mode::min;
  double factor = 0.1;
  std::int64_t patience = 10;
  double threshold = 1e-4;
  ThresholdMode threshold_mode = ThresholdMode::relative;
  std::int64_t cooldown = 0;
  double min_lr = 0.0;
  double eps = 1e-8;  // a smaller change of the rate is left out
};
struct OneCycleLR {
  double max_lr = 0.0;
  std::int64_t total_steps = 0;
  double pct_start = 0.3;  // the part of the steps in which the rate rises
  enum class Anneal { cosine, linear };
  Anneal anneal = Anneal::cosine;
  bool cycle_momentum = true;  // the momentum, or Adam's first beta, goes the other way
  double base_momentum = 0.85;
  double max_momentum = 0.95;
  double div_factor = 25.0;  // max_lr over the first rate
  double final_div_factor = 1e4;
  bool three_phase = false;
};

struct Schedule;

// One after the other: schedules[i] from milestones[i - 1] on. Not of ReduceLROnPlateau, OneCycleLR
// or another SequentialLR.
struct SequentialLR {
  std::vector<Schedule> schedules;  // no default: clang wants the complete type for one
  std::vector<std::int64_t> milestones = {};
};

// Any of them.
struct Schedule {
  using Form = std::variant<StepLR,
                            MultiStepLR,
                            ExponentialLR,
                            CosineAnnealingLR,
                            LinearLR,
                            ConstantLR,
                            ReduceLROnPlateau,
                            OneCycleLR,
                            SequentialLR>;
  template <class T>
  requires std::constructible_from<Form, T> Schedule(T schedule) : form(std::move(schedule)) {}
  Form form;
};
std::string_view name(const Schedule& schedule);  // Python's: "StepLR", ...

// A rise over `warmup` steps, then a cosine down to `eta_min` at step `total`: LinearLR and
// CosineAnnealingLR in a SequentialLR. Throws invalid_argument unless 0 < warmup < total.
struct CosineWithWarmup {
  std::int64_t warmup = 0;
  std::int64_t total = 0;
  double start_factor = 0.01;
  double eta_min = 0.0;
};
Schedule cosine_with_warmup(const CosineWithWarmup& options);

// What a text leaves open: cosine ends at `total`, a single cycle reaches `lr`.
struct ScheduleDefaults {
  double lr = 0.0;
  std::int64_t total = 0;  // steps of the schedule that the training will make
};
// A schedule from its text, such as "step:step_size=30,gamma=0.1": step, multistep (with
// milestones=10+20), exponential, cosine, linear, constant, plateau, one-cycle or warmup-cosine,
// with the options above under their names. Throws invalid_argument, naming what there is.
Schedule parse_schedule(std::string_view text, const ScheduleDefaults& defaults);

}  // namespace torchkeep
