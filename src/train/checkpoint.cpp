#include <functional>
#include <optional>

#include <torchkeep/checkpoint.h>
#include <torchkeep/freeze.h>
#include <torchkeep/match.h>
#include <torchkeep/module.h>
#include <torchkeep/optimizer.h>
#include <torchkeep/random_state.h>
#include <torchkeep/version.h>

#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include "base/fail.h"
#include "nn/libtorch_version.h"
#include "train/checkpoint_file.h"

namespace torchkeep {
namespace checkpoint_detail {

constexpr std::int64_t kVersion = 1;  // of the keys; in files

Value list_of(const std::vector<std::string>& names) {
  return Value(List(names.begin(), names.end()));
}

Value freeze_plan(const torch::nn::Module& module, const std::vector<UnfreezeStep>& unfreeze) {
  List steps;
  for (const UnfreezeStep& step : unfreeze) {
    steps.push_back(dict({{"epoch", step.epoch}, {"globs", list_of(step.globs)}}));
  }
  return dict({{"frozen", list_of(frozen_parameters(module))}, {"unfreeze", std::move(steps)}});
}

Value callbacks(const EarlyStopping* early_stopping) {
  if (early_stopping == nullptr) return dict({});
  return dict({{"early_stopping", early_stopping->state_dict()}});
}

void check_version(const Value& checkpoint) {
  const Value* version = checkpoint.find("version");
  if (version == nullptr || !version->is_int() || version->as_int() <= kVersion) return;
  fail_at(ErrorCode::unsupported, {}, "use a newer torchkeep",
          "the checkpoint has version {} (expected at most {})", version->as_int(), kVersion);
}

void check_model(const Value& state_dict, const torch::nn::Module& module) {
  LoadReport report = match(state_dict_form(module), state_dict.as_state_dict());
  if (!report.ok()) throw MismatchError(std::move(report));
}

Value value_or_none(const Value& checkpoint, const char* key) {
  const Value* value = checkpoint.find(key);
  return value == nullptr ? Value() : *value;
}

RestoredState describe_rest(const Value& checkpoint) {
  const CheckpointInfo info = describe(checkpoint);
  const Value* loss = checkpoint.find("loss");
  return {.epoch = info.epoch,
          .step = info.step,
          .loss = loss != nullptr && loss->is_number() ? loss->as_double() : 0.0,
          .metrics = info.metrics,
          .sampler_state = value_or_none(checkpoint, "sampler_state"),
          .epoch_progress = value_or_none(checkpoint, "epoch_progress"),
          .hyper_parameters = value_or_none(checkpoint, "hyper_parameters")};
}

// The rates in the state of an optimizer.
std::vector<double> rates_in(const Value& optimizer_state) {
  std::vector<double> rates;
  for (const Value& group : optimizer_state["param_groups"].items()) {
    rates.push_back(group["lr"].as_double());
  }
  return rates;
}

// Restores part after part: first those that can be prepared without changing anything, then those
// that change nothing if they fail, and at the end what cannot fail.
class Restorer {
 public:
  Restorer(const Value& checkpoint, const RestoreTargets& targets, const RestoreOptions& options)
      : checkpoint_(checkpoint), targets_(targets), options_(options) {}
  ~Restorer() {
    if (random_before_) set_random_state(*random_before_);
  }
  Restorer(const Restorer&) = delete;
  Restorer& operator=(const Restorer&) = delete;

  std::vector<std::string> run() {
    const Value& parameters = checkpoint_["model_state_dict"];
    check_model(parameters, targets_.model.module());
    if (targets_.early_stopping) part("early stopping", [this] { prepare_early_stopping(); });
    if (targets_.ema) part("the moving average", [this] { check_average(); });
    if (targets_.scheduler) part("the scheduler", [this] { prepare_scheduler(); });
    part("the random state", [this] { restore_random_state(); });
    if (targets_.optimizer) part("the optimizer", [this] { restore_optimizer(); });
    load_state_dict(targets_.model.module(), parameters);
    if (targets_.ema) restore_average();
    if (stopping_) *targets_.early_stopping = std::move(*stopping_);
    if (progress_ && (optimizer_is_restored_ || !targets_.optimizer)) {
      targets_.scheduler->set_progress(std::move(*progress_));
    } else if (progress_) {
      not_restored_.emplace_back("the scheduler: its optimizer was not restored");
    }
    random_before_.reset();
    return std::move(not_restored_);
  }

 private:
  void part(const char* what, const std::function<void()>& restore) {
    try {
      restore();
    } catch (const Error& error) {
      if (options_.incomplete == RestoreOptions::Incomplete::refuse) throw;
      not_restored_.push_back(fmt::format("{}: {}", what, error.what()));
    }
  }

  void prepare_early_stopping() {
    EarlyStopping stopping(targets_.early_stopping->options());
    stopping.load_state_dict(checkpoint_["callbacks"]["early_stopping"]);
    stopping_ = std::move(stopping);
  }

  void prepare_scheduler() {
    const Value& state = checkpoint_["scheduler_state_dict"];
    if (state.is_none()) {
      fail_at(ErrorCode::not_found, {.tensor = "scheduler_state_dict"}, "",
              "the checkpoint has no state of a scheduler");
    }
    ScheduleProgress progress = targets_.scheduler->progress();
    progress.load_state_dict(state);
    progress.check_rates(rates_in(checkpoint_["optimizer_state_dict"]));
    progress_ = std::move(progress);
  }

  void check_average() {
    const Value* average = checkpoint_.find("ema_state_dict");
    if (average == nullptr || average->is_none()) {
      fail_at(ErrorCode::not_found, {.tensor = "ema_state_dict"}, "",
              "the checkpoint has no moving average of the weights");
    }
    targets_.ema->check(*average);
    average_ = average;
  }

  void restore_average() {
    if (average_ != nullptr) {
      targets_.ema->load_state_dict(*average_);
    } else {
      targets_.ema->restart();
    }
  }

  void restore_random_state() {
    const Tensor& state = checkpoint_["rng_state"].as_tensor();
    const Tensor before = random_state();
    set_random_state(state);
    random_before_ = before;
  }

  void restore_optimizer() {
    load_state_dict(*targets_.optimizer, targets_.model.module(),
                    checkpoint_["optimizer_state_dict"]);
    optimizer_is_restored_ = true;
  }

  const Value& checkpoint_;
  const RestoreTargets& targets_;
  const RestoreOptions& options_;
  std::optional<EarlyStopping> stopping_;
  std::optional<ScheduleProgress> progress_;
  const Value* average_ = nullptr;       // that fits
  std::optional<Tensor> random_before_;  // to be put back unless everything goes well
  bool optimizer_is_restored_ = false;
  std::vector<std::string> not_restored_;
};

}  // namespace checkpoint_detail

Value make_checkpoint(const TrainingState& state) {
  namespace detail = checkpoint_detail;
  const torch::nn::Module& module = state.model.module();
  return dict(
      {{"epoch", state.epoch},
       {"global_step", state.step},
       {"model_state_dict", state_dict(module)},
       {"ema_state_dict", state.ema == nullptr ? Value() : Value(state.ema->state_dict())},
       {"optimizer_state_dict",
        state.optimizer == nullptr ? Value() : state_dict(*state.optimizer, module)},
       {"scheduler_state_dict",
        state.scheduler == nullptr ? Value() : state.scheduler->state_dict()},
       {"loss", state.loss},
       {"metrics", to_value(state.metrics)},
       {"rng_state", random_state()},
       {"sampler_state", state.sampler_state},
       {"epoch_progress", state.epoch_progress},
       {"callbacks", detail::callbacks(state.early_stopping)},
       {"freeze_plan", detail::freeze_plan(module, state.unfreeze)},
       {"hyper_parameters", state.hyper_parameters},
       {"lineage", state.lineage},
       {"architecture", state.model.architecture()},
       {"configuration", state.model.configuration()},
       {"versions", dict({{"torchkeep", TORCHKEEP_VERSION}, {"libtorch", kLibTorchVersion}})},
       {"version", detail::kVersion}});
}

std::vector<UnfreezeStep> unfreeze_steps(const Value& checkpoint) {
  std::vector<UnfreezeStep> steps;
  const Value* plan = checkpoint.find("freeze_plan");
  const Value* found = plan == nullptr ? nullptr : plan->find("unfreeze");
  if (found == nullptr) return steps;
  for (const Value& each : found->items()) {
    UnfreezeStep& step = steps.emplace_back();
    step.epoch = static_cast<int>(each["epoch"].as_int());
    for (const Value& glob : each["globs"].items()) step.globs.push_back(glob.as_string());
  }
  return steps;
}

Model model_from_checkpoint(const Value& checkpoint) {
  checkpoint_detail::check_version(checkpoint);
  return model_from_value(checkpoint);
}

RestoredState restore_checkpoint(const Value& checkpoint,
                                 const RestoreTargets& targets,
                                 const RestoreOptions& options) {
  namespace detail = checkpoint_detail;
  detail::check_version(checkpoint);
  RestoredState restored = detail::describe_rest(checkpoint);
  restored.not_restored = detail::Restorer(checkpoint, targets, options).run();
  return restored;
}

}  // namespace torchkeep
