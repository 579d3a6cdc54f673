// The value of a training checkpoint, under the keys that PyTorch users know.
#pragma once

#include <cstdint>
#include <optional>

#include <torchkeep/early_stopping.h>
#include <torchkeep/metrics.h>
#include <torchkeep/model.h>
#include <torchkeep/value.h>

namespace torch::optim {
class Optimizer;
}

namespace torchkeep {

// What a training holds. The references stay the caller's.
struct TrainingState {
  const Model& model;
  torch::optim::Optimizer* optimizer = nullptr;
  int epoch = 0;  // the one that has just ended, from 0
  std::int64_t step = 0;
  double loss = 0.0;
  Metrics metrics = {};
  Value sampler_state = {};     // of the batches, see BatchSource
  Value hyper_parameters = {};  // whatever the user wants to find again
  EarlyStopping* early_stopping = nullptr;
};

// A dict of `epoch, global_step, model_state_dict, optimizer_state_dict, loss, metrics, rng_state,
// sampler_state, callbacks, freeze_plan, hyper_parameters, architecture, configuration, version`;
// none where the training holds nothing. `freeze_plan` is `{"frozen": [names]}`, `callbacks` has
// `early_stopping`. Python opens it with weights_only=True.
// Shares its tensors with the training: save it before the next step.
Value make_checkpoint(const TrainingState& state);

// The parts of a checkpoint that are not tensors of the model or optimizer.
struct RestoredState {
  int epoch = 0;
  std::int64_t step = 0;
  double loss = 0.0;
  Metrics metrics = {};
  Value sampler_state = {};
  Value hyper_parameters = {};
};

// The model that a checkpoint describes, with its parameters, buffers and frozen set.
// The optimizer must be built from it, afterwards. Throws as model_from_value.
Model model_from_checkpoint(const Value& checkpoint);

// Restores the model's parameters, buffers and frozen set, the optimizer (of `model`), early
// stopping and the random state; the optimizer and early stopping only where they are not null.
// Everything is checked before anything changes. Throws mismatch, not_found naming the key.
RestoredState restore_checkpoint(const Value& checkpoint,
                                 const Model& model,
                                 torch::optim::Optimizer* optimizer,
                                 EarlyStopping* early_stopping);

}  // namespace torchkeep
