#include <torchkeep/checkpoint.h>
#include <torchkeep/freeze.h>
#include <torchkeep/match.h>
#include <torchkeep/module.h>
#include <torchkeep/optimizer.h>
#include <torchkeep/random_state.h>

#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include "base/fail.h"
#include "train/checkpoint_file.h"

namespace torchkeep {
namespace checkpoint_detail {

constexpr std::int64_t kVersion = 1;  // of the keys; in files

Value freeze_plan(const torch::nn::Module& module) {
  const std::vector<std::string> names = frozen_parameters(module);
  return dict({{"frozen", List(names.begin(), names.end())}});
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
          .hyper_parameters = value_or_none(checkpoint, "hyper_parameters")};
}

// Puts the random state back unless it is kept.
class RandomStateGuard {
 public:
  explicit RandomStateGuard(const Tensor& state) : before_(random_state()) {
    set_random_state(state);
  }
  ~RandomStateGuard() {
    if (!kept_) set_random_state(before_);
  }
  RandomStateGuard(const RandomStateGuard&) = delete;
  RandomStateGuard& operator=(const RandomStateGuard&) = delete;

  void keep() { kept_ = true; }

 private:
  Tensor before_;
  bool kept_ = false;
};

}  // namespace checkpoint_detail

Value make_checkpoint(const TrainingState& state) {
  namespace detail = checkpoint_detail;
  const torch::nn::Module& module = state.model.module();
  return dict({{"epoch", state.epoch},
               {"global_step", state.step},
               {"model_state_dict", state_dict(module)},
               {"optimizer_state_dict",
                state.optimizer == nullptr ? Value() : state_dict(*state.optimizer, module)},
               {"loss", state.loss},
               {"metrics", to_value(state.metrics)},
               {"rng_state", random_state()},
               {"sampler_state", state.sampler_state},
               {"callbacks", detail::callbacks(state.early_stopping)},
               {"freeze_plan", detail::freeze_plan(module)},
               {"hyper_parameters", state.hyper_parameters},
               {"architecture", state.model.architecture()},
               {"configuration", state.model.configuration()},
               {"version", detail::kVersion}});
}

Model model_from_checkpoint(const Value& checkpoint) {
  checkpoint_detail::check_version(checkpoint);
  return model_from_value(checkpoint);
}

RestoredState restore_checkpoint(const Value& checkpoint,
                                 const Model& model,
                                 torch::optim::Optimizer* optimizer,
                                 EarlyStopping* early_stopping) {
  namespace detail = checkpoint_detail;
  detail::check_version(checkpoint);
  RestoredState restored = detail::describe_rest(checkpoint);
  const Value& parameters = checkpoint["model_state_dict"];
  detail::check_model(parameters, model.module());
  std::optional<EarlyStopping> new_stopping;
  if (early_stopping != nullptr) {
    new_stopping.emplace(early_stopping->options());
    new_stopping->load_state_dict(checkpoint["callbacks"]["early_stopping"]);
  }
  // Each of the next steps changes nothing if it fails.
  detail::RandomStateGuard random(checkpoint["rng_state"].as_tensor());
  if (optimizer != nullptr) {
    load_state_dict(*optimizer, model.module(), checkpoint["optimizer_state_dict"]);
  }
  load_state_dict(model.module(), parameters);
  if (early_stopping != nullptr) *early_stopping = std::move(*new_stopping);
  random.keep();
  return restored;
}

}  // namespace torchkeep
