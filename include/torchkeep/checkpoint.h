// The value of a training checkpoint, under the keys that PyTorch users know.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torchkeep/early_stopping.h>
#include <torchkeep/ema.h>
#include <torchkeep/freeze.h>
#include <torchkeep/metrics.h>
#include <torchkeep/model.h>
#include <torchkeep/scheduler.h>
#include <torchkeep/value.h>

namespace torch::optim {
class Optimizer;
}

namespace torchkeep {

// What a training holds. The references stay the caller's.
struct TrainingState {
  const Model& model;
  torch::optim::Optimizer* optimizer = nullptr;
  const Scheduler* scheduler = nullptr;
  int epoch = 0;  // the one that has just ended, from 0, or the one that goes on
  std::int64_t step = 0;
  double loss = 0.0;
  Metrics metrics = {};
  Value sampler_state = {};  // of the batches, see BatchSource
  Value epoch_progress =
      {};  // what an epoch that goes on has summed up so far; none between epochs
  Value hyper_parameters = {};  // whatever the user wants to find again
  Value lineage = {};           // what make_lineage() notes
  const EarlyStopping* early_stopping = nullptr;
  const Ema* ema = nullptr;                 // of the model
  std::vector<UnfreezeStep> unfreeze = {};  // of the whole training, those that are past included
};

// A dict of `epoch, global_step, model_state_dict, ema_state_dict, optimizer_state_dict,
// scheduler_state_dict, loss, metrics, rng_state, sampler_state, epoch_progress, callbacks,
// freeze_plan, hyper_parameters, lineage, architecture, configuration, versions, version`; none
// where the training holds nothing. `freeze_plan` is `{"frozen": [names],
// "unfreeze": [{"epoch", "globs"}]}`, `callbacks` has `early_stopping`, `versions` says what wrote
// it. Python opens it with weights_only=True. Shares its tensors with the training: save it before
// the next step.
Value make_checkpoint(const TrainingState& state);

// The steps in the plan of a checkpoint; none for one without. Throws mismatch.
std::vector<UnfreezeStep> unfreeze_steps(const Value& checkpoint);

// The parts of a checkpoint that are not tensors of the model or optimizer.
struct RestoredState {
  int epoch = 0;
  std::int64_t step = 0;
  double loss = 0.0;
  Metrics metrics = {};
  Value sampler_state = {};
  Value epoch_progress = {};
  Value hyper_parameters = {};
  std::vector<std::string> not_restored = {};  // the parts, with the reasons; see RestoreOptions
};

// The model that a checkpoint describes, with its parameters, buffers and frozen set.
// The optimizer must be built from it, afterwards. Throws as model_from_value.
Model model_from_checkpoint(const Value& checkpoint);

// What takes a checkpoint's parts; those that are null are left out.
struct RestoreTargets {
  const Model& model;
  torch::optim::Optimizer* optimizer = nullptr;  // of `model`
  Scheduler* scheduler = nullptr;                // of `optimizer`
  EarlyStopping* early_stopping = nullptr;
  Ema* ema = nullptr;  // of `model`
};

struct RestoreOptions {
  // What to do where the checkpoint lacks a part, or has one that does not fit: throw, or leave
  // that part of the training as it is and say so in `not_restored`. The model is never left out.
  enum class Incomplete { refuse, accept };
  Incomplete incomplete = Incomplete::refuse;
};

// Restores the model's parameters, buffers and frozen set, the moving average, the optimizer, the
// scheduler, early stopping and the random state. Everything is checked before anything changes.
// Throws mismatch, also where the rates of the optimizer and of the scheduler do not agree;
// not_found naming the key.
RestoredState restore_checkpoint(const Value& checkpoint,
                                 const RestoreTargets& targets,
                                 const RestoreOptions& options = {});

}  // namespace torchkeep
