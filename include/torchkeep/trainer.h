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

// A scalar, the mean over the batch.
using Loss = std::function<at::Tensor(const at::Tensor& output, const at::Tensor& labels)>;

struct TrainerOptions {
  int epochs = 10;                          // in all, those before a resume included
  std::filesystem::path directory = "run";  // checkpoints and metrics.jsonl
  CheckpointManagerOptions checkpoints = {.monitor = "val_loss"};
  std::optional<EarlyStoppingOptions> early_stopping = EarlyStoppingOptions{};
  enum class AtTheEnd { restore_best, keep_last };
  AtTheEnd at_the_end = AtTheEnd::restore_best;
  Value hyper_parameters = {};  // kept in every checkpoint
  Loss loss = {};               // empty: cross entropy
};

struct FitResult {
  int epochs = 0;  // trained in all, those before a resume included
  StopDecision stop = {};
  std::optional<CheckpointInfo> best = std::nullopt;
  Metrics last_metrics = {};  // of the last epoch of this call; empty if there was none
};

// Mean loss and accuracy over one pass: `{"loss", "acc"}`. Evaluation mode, no gradients. The
// predicted class is the largest output, or for a single output whether it is above 0.
Metrics evaluate(const Model& model, BatchSource& batches, const Loss& loss = {});

class Trainer {
 public:
  // The model's frozen set and the optimizer's groups must be final. The references are kept.
  // Throws as CheckpointManager and EarlyStopping.
  Trainer(Model model, torch::optim::Optimizer& optimizer, TrainerOptions options = {});

  // Trains until `epochs` are done or early stopping says so. Metrics: train_loss, train_acc and,
  // with `validation`, val_loss, val_acc. Each epoch ends with a line in metrics.jsonl and, if the
  // manager wants it, a checkpoint; an epoch whose metric is not finite ends without one, so that
  // the last checkpoint is of use. Lines that an earlier run wrote for the epochs to come go.
  // Throws not_found, before the first epoch, for a metric that there will not be; io.
  FitResult fit(BatchSource& training,
                BatchSource* validation,
                TrainingObserver* observer = nullptr);

  // Takes up where `checkpoint` was saved, to the bit; call it before fit(). The file at `path`,
  // from which it was loaded, is not deleted by this trainer. Throws as restore_checkpoint.
  void resume(const Value& checkpoint, const std::filesystem::path& path, BatchSource& training);

  CheckpointManager& checkpoints() { return manager_; }

 private:
  void check_metric_names(const BatchSource* validation) const;
  Metrics train_epoch(BatchSource& training, TrainingObserver& observer);
  void save_checkpoint(const Metrics& metrics,
                       const BatchSource& training,
                       TrainingObserver& observer);
  void restore_best();

  Model model_;
  torch::optim::Optimizer& optimizer_;
  TrainerOptions options_;
  CheckpointManager manager_;
  std::optional<EarlyStopping> stopping_;
  int epoch_ = 0;  // the one being trained, or the next
  std::int64_t step_ = 0;
};

}  // namespace torchkeep
