// What schedule_test.py asks of the schedules.
#include <memory>
#include <utility>
#include <vector>

#include <torchkeep/load.h>
#include <torchkeep/module.h>
#include <torchkeep/optimizer.h>
#include <torchkeep/save.h>
#include <torchkeep/scheduler.h>
#include <torchkeep/value.h>

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include "interop/torch_program.h"

namespace torchkeep::interop {
namespace schedule_program {

std::vector<std::int64_t> ints_in(const Value& list) {
  std::vector<std::int64_t> numbers;
  for (const Value& item : list.items()) numbers.push_back(item.as_int());
  return numbers;
}

Schedule one_cycle(const Value& o) {
  return OneCycleLR{.max_lr = o["max_lr"].as_double(),
                    .total_steps = o["total_steps"].as_int(),
                    .pct_start = o["pct_start"].as_double(),
                    .anneal = o["anneal_strategy"].as_string() == "cos"
                                  ? OneCycleLR::Anneal::cosine
                                  : OneCycleLR::Anneal::linear,
                    .cycle_momentum = o["cycle_momentum"].as_bool(),
                    .three_phase = o["three_phase"].as_bool()};
}

Schedule plateau(const Value& o) {
  return ReduceLROnPlateau{.mode = mode_from_name(o["mode"].as_string()).value(),
                           .factor = o["factor"].as_double(),
                           .patience = o["patience"].as_int(),
                           .threshold = o["threshold"].as_double(),
                           .threshold_mode = o["threshold_mode"].as_string() == "rel"
                                                 ? ThresholdMode::relative
                                                 : ThresholdMode::absolute,
                           .cooldown = o["cooldown"].as_int(),
                           .min_lr = o["min_lr"].as_double()};
}

// [class, options] as Python's constructor takes them.
Schedule schedule_from(const Value& value) {
  const std::string& kind = value[0].as_string();
  const Value& o = value[1];
  const auto number = [&o](const char* key) { return o[key].as_double(); };
  const auto count = [&o](const char* key) { return o[key].as_int(); };
  if (kind == "StepLR") return StepLR{.step_size = count("step_size"), .gamma = number("gamma")};
  if (kind == "MultiStepLR") {
    return MultiStepLR{.milestones = ints_in(o["milestones"]), .gamma = number("gamma")};
  }
  if (kind == "ExponentialLR") return ExponentialLR{.gamma = number("gamma")};
  if (kind == "CosineAnnealingLR") {
    return CosineAnnealingLR{.t_max = count("T_max"), .eta_min = number("eta_min")};
  }
  if (kind == "LinearLR") {
    return LinearLR{.start_factor = number("start_factor"),
                    .end_factor = number("end_factor"),
                    .total_iters = count("total_iters")};
  }
  if (kind == "ConstantLR") {
    return ConstantLR{.factor = number("factor"), .total_iters = count("total_iters")};
  }
  if (kind == "OneCycleLR") return one_cycle(o);
  if (kind == "ReduceLROnPlateau") return plateau(o);
  SequentialLR sequence{.schedules = {}, .milestones = ints_in(o["milestones"])};
  for (const Value& part : o["schedulers"].items()) {
    sequence.schedules.push_back(schedule_from(part));
  }
  return sequence;
}

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const std::string& kind,
                                                        torch::nn::Sequential& net) {
  std::vector<torch::optim::OptimizerParamGroup> groups;
  if (kind == "SGD") {
    using Options = torch::optim::SGDOptions;
    groups.emplace_back(net[0]->parameters(),
                        std::make_unique<Options>(Options(0.1).momentum(0.9)));
    groups.emplace_back(net[1]->parameters(),
                        std::make_unique<Options>(Options(0.03).momentum(0.9)));
    return std::make_unique<torch::optim::SGD>(std::move(groups), Options(0.1));
  }
  using Options = torch::optim::AdamOptions;
  groups.emplace_back(net[0]->parameters(), std::make_unique<Options>(Options(0.1)));
  groups.emplace_back(net[1]->parameters(), std::make_unique<Options>(Options(0.03)));
  return std::make_unique<torch::optim::Adam>(std::move(groups), Options(0.1));
}

// The rate and the momentum of each group.
Value rates_in(const Value& optimizer_state) {
  List rates;
  for (const Value& group : optimizer_state["param_groups"].items()) {
    const Value* momentum = group.find("momentum");
    rates.push_back(tuple({group["lr"], momentum ? *momentum : group["betas"][0]}));
  }
  return rates;
}

// IN OUT: makes the `optimizer` and the `schedule`, loads `state` if there is one, and steps
// through `metrics` (none where the schedule takes no metric). Saves the rates at the start and
// after each step, and the states.
void run_schedule(const Arguments& arguments) {
  const Value in = load(arguments.at(0));
  torch::nn::Sequential net(torch::nn::Linear(2, 2), torch::nn::Linear(2, 1));
  const auto optimizer = make_optimizer(in["optimizer"].as_string(), net);
  Scheduler scheduler(*optimizer, schedule_from(in["schedule"]));
  if (!in["state"].is_none()) {
    load_state_dict(*optimizer, *net, in["state"]["optimizer"]);
    scheduler.load_state_dict(in["state"]["scheduler"]);
  }
  List rates{rates_in(state_dict(*optimizer, *net))};
  for (const Value& metric : in["metrics"].items()) {
    if (metric.is_none()) {
      scheduler.step();
    } else {
      scheduler.step(metric.as_double());
    }
    rates.push_back(rates_in(state_dict(*optimizer, *net)));
  }
  save(dict({{"rates", std::move(rates)},
             {"optimizer", state_dict(*optimizer, *net)},
             {"scheduler", scheduler.state_dict()}}),
       arguments.at(1), {.durability = Durability::cached});
}

}  // namespace schedule_program

Commands schedule_commands() { return {{"run_schedule", schedule_program::run_schedule}}; }

}  // namespace torchkeep::interop
