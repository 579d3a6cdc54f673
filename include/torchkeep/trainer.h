// A training loop: fit, validate, checkpoint, stop early, restore the best. Short enough to copy.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include <torchkeep/checkpoint.h>
#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/dataset.h>
#include <torchkeep/early_stopping.h>
#include <torchkeep/model.h>

namespace torch::optim {
class Optimizer;
}

namespace torchkeep {

// How the training tells what it does. Called by the thread that trains.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  virtual void on_batch(int epoch, std::int64_t batch, std::int64_t batches, double loss);
  virtual void on_epoch(int epoch, const Metrics& metrics);
  virtual void on_checkpoint(const CheckpointInfo& checkpoint);
  virtual void on_stop(const StopDecision& decision);
};

struct TrainerOptions {
  int epochs = 10;                          // in all, those before a resume included
  std::filesystem::path directory = "run";  // checkpoints and metrics.jsonl
  CheckpointManagerOptions checkpoints = {.monitor = "val_loss"};
  std::optional<EarlyStoppingOptions> early_stopping = EarlyStoppingOptions{};
  enum class AtTheEnd { restore_best, keep_last };
  AtTheEnd at_the_end = AtTheEnd::restore_best;
  Value hyper_parameters = {};  // kept in every checkpoint
  std::function<at::Tensor(const at::Tensor& output, const at::Tensor& labels)> loss =
      {};  // empty:
           // cross entropy
};

struct FitResult {
  int epochs = 0;  // trained in all
  StopDecision stop;
  std::optional<CheckpointInfo> best;
  Metrics last_metrics;
};

// Mean loss and accuracy over one pass: `{"loss", "acc"}`. Evaluation mode, no gradients.
Metrics evaluate(const Model& model, BatchSource& batches);

class Trainer {
 public:
  // The model's frozen set and the optimizer's groups must be final. The references are kept.
  Trainer(Model model, torch::optim::Optimizer& optimizer, TrainerOptions options = {});

  // Trains until `epochs` are done or early stopping says so. Metrics: train_loss, train_acc and,
  // with `validation`, val_loss, val_acc. Each epoch ends with a line in metrics.jsonl and, if the
  // manager wants it, a checkpoint.
  FitResult fit(BatchSource& training,
                BatchSource* validation,
                TrainingObserver* observer = nullptr);

  // Takes up where `checkpoint` was saved, to the bit; call it before fit(). The model must be the
  // one of the checkpoint (model_from_checkpoint). Throws mismatch.
  void resume(const Value& checkpoint, const std::filesystem::path& path, BatchSource& training);

  CheckpointManager& checkpoints() { return manager_; }

 private:
  Metrics train_epoch(int epoch, BatchSource& training, TrainingObserver* observer);

  Model model_;
  torch::optim::Optimizer& optimizer_;
  TrainerOptions options_;
  CheckpointManager manager_;
  std::optional<EarlyStopping> stopping_;
  int next_epoch_ = 0;
  std::int64_t step_ = 0;
};

}  // namespace torchkeep
