// Learning-rate schedules that drive an optimizer of LibTorch, with the rates and the state dicts
// of Python's torch.optim.lr_scheduler.
#pragma once

#include <vector>

#include <torchkeep/schedule.h>
#include <torchkeep/schedule_progress.h>
#include <torchkeep/value.h>

namespace torch::optim {
class Optimizer;
}

namespace torchkeep {

// Makes one call of step() after each epoch, or after each step of the optimizer:
//   tk::Scheduler scheduler(optimizer, tk::StepLR{.step_size = 30});
//   for (...) { train(); scheduler.step(); }
// Not synchronised.
class Scheduler {
 public:
  // Sets the first rates at once, as Python's constructor does, and notes `initial_lr` in the
  // groups. Keeps the reference. Throws invalid_argument, unsupported for an unknown optimizer.
  Scheduler(torch::optim::Optimizer& optimizer, Schedule schedule);

  void step();               // throws invalid_argument for a ReduceLROnPlateau,
  void step(double metric);  // and this one for all others
  bool needs_metric() const { return progress_.needs_metric(); }

  const Schedule& schedule() const { return progress_.schedule(); }
  const std::vector<double>& last_lr() const { return progress_.last_lr(); }  // one a group

  // As Python's, both ways. Load the state of the optimizer first: the rates and what a schedule
  // keeps in the groups are there. Throws mismatch if the optimizer's rates are not those of the
  // state; the optimizer is not changed.
  Value state_dict() const { return progress_.state_dict(); }
  void load_state_dict(const Value& state);

  // How far it has come, to be restored with the optimizer's state.
  const ScheduleProgress& progress() const { return progress_; }
  void set_progress(ScheduleProgress progress) { progress_ = std::move(progress); }

 private:
  torch::optim::Optimizer* optimizer_;
  ScheduleProgress progress_;
};

}  // namespace torchkeep
