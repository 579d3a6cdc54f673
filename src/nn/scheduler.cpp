#include <utility>

#include <torchkeep/scheduler.h>

#include "nn/optimizer_class.h"
#include "nn/optimizer_entries.h"

namespace torchkeep {
namespace scheduler_detail {

ScheduledGroup scheduled_group(const OptimizerClass& description, const Dict& entries) {
  ScheduledGroup group{.lr = entries.find("lr")->as_double()};
  if (const Value* momentum = entries.find("momentum")) group.momentum = momentum->as_double();
  if (const Value* betas = entries.find("betas")) {
    group.momentum = (*betas)[0].as_double();
    group.momentum_is_beta = true;
  }
  for (const auto& [key, value] : entries) {
    if (key.is_string() && value.is_number() && !description.has_option(key.as_string())) {
      group.extras.emplace(key.as_string(), value.as_double());
    }
  }
  return group;
}

ScheduledGroups scheduled_groups(const torch::optim::Optimizer& optimizer) {
  ScheduledGroups groups;
  for (const auto& group : optimizer.param_groups()) {
    groups.push_back(scheduled_group(class_of(optimizer), group_entries(optimizer, group)));
  }
  return groups;
}

// A number that has not changed keeps its kind.
void set_number(Dict& entries, std::string_view key, double number) {
  const Value* before = entries.find(key);
  if (before && before->is_number() && before->as_double() == number) return;
  entries.set(key, number);
}

void write_groups(const ScheduledGroups& groups, torch::optim::Optimizer& optimizer) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    auto& group = optimizer.param_groups()[i];
    Dict entries = group_entries(optimizer, group);
    set_number(entries, "lr", groups[i].lr);
    if (groups[i].momentum && groups[i].momentum_is_beta) {
      entries.set("betas", tuple({*groups[i].momentum, (*entries.find("betas"))[1]}));
    } else if (groups[i].momentum) {
      set_number(entries, "momentum", *groups[i].momentum);
    }
    for (const auto& [key, number] : groups[i].extras) set_number(entries, key, number);
    set_group_entries(optimizer, group, entries);
  }
}

ScheduleProgress start(Schedule schedule, torch::optim::Optimizer& optimizer) {
  ScheduledGroups groups = scheduled_groups(optimizer);
  ScheduleProgress progress(std::move(schedule), groups);
  write_groups(groups, optimizer);
  return progress;
}

}  // namespace scheduler_detail

Scheduler::Scheduler(torch::optim::Optimizer& optimizer, Schedule schedule)
    : optimizer_(&optimizer), progress_(scheduler_detail::start(std::move(schedule), optimizer)) {}

void Scheduler::step() {
  ScheduledGroups groups = scheduler_detail::scheduled_groups(*optimizer_);
  progress_.step(groups);
  scheduler_detail::write_groups(groups, *optimizer_);
}

void Scheduler::step(double metric) {
  ScheduledGroups groups = scheduler_detail::scheduled_groups(*optimizer_);
  progress_.step(groups, metric);
  scheduler_detail::write_groups(groups, *optimizer_);
}

void Scheduler::load_state_dict(const Value& state) {
  ScheduleProgress progress = progress_;
  progress.load_state_dict(state);
  std::vector<double> rates;
  for (const ScheduledGroup& group : scheduler_detail::scheduled_groups(*optimizer_)) {
    rates.push_back(group.lr);
  }
  progress.check_rates(rates);
  progress_ = std::move(progress);
}

}  // namespace torchkeep
