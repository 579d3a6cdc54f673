// A training loop: fit, validate, checkpoint, stop early, resume, restore the best.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torchkeep/batch_source.h>
#include <torchkeep/checkpoint.h>
#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/early_stopping.h>
#include <torchkeep/ema.h>
#include <torchkeep/evaluation.h>
#include <torchkeep/freeze.h>
#include <torchkeep/frozen_backbone.h>
#include <torchkeep/loss.h>
#include <torchkeep/model.h>
#include <torchkeep/schedule.h>

namespace torch::optim {
class Optimizer;
}

namespace torchkeep {

class BatchSnapshot;
class EpochProgress;
class FrozenDigest;

// How the training tells what it does. Called by the thread that trains.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  virtual void before_step(const Batch& batch);
  // How a model with frozen parameters is cut; in the first epoch, and whenever that changes.
  virtual void on_cut(const FrozenBackbone::Cut& cut);
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
  std::optional<Schedule> schedule = std::nullopt;  // of the learning rate
  enum class ScheduleEach { epoch, step };
  ScheduleEach schedule_each = ScheduleEach::epoch;
  // What a ReduceLROnPlateau watches; empty: what the checkpoints monitor, or else train_loss.
  std::string schedule_monitor = "";
  // Asked after each step; true ends the training with a checkpoint, as InterruptGuard's
  // requested() wants it.
  std::function<bool()> interrupted = {};
  // Where the model, the loss or an observer throws: save the state after the last whole step
  // before the exception goes on. Costs a copy of the buffers and of the random state each step.
  bool save_on_exception = false;
  // Keeps an average of the weights with this decay, such as 0.999, in the checkpoints; with
  // validation there are the metrics ema_val_loss and ema_val_acc. Nothing: none.
  std::optional<double> ema_decay = std::nullopt;
  Value hyper_parameters = {};  // kept in every checkpoint
  Value lineage = {};           // likewise; what make_lineage() notes
  Loss loss = {};               // empty: cross entropy
  // How the frozen front of the model runs, if it has one. Nothing: as the rest. Compiled kernels
  // change the loss by rounding; to the bit as before are exact ones.
  std::optional<FrozenBackboneOptions> frozen_backbone = FrozenBackboneOptions{};
  // What becomes trainable when; the optimizer must have these parameters. Kept in checkpoints.
  std::vector<UnfreezeStep> unfreeze = {};
  // In bfloat16 LibTorch chooses for each operation of the forward pass (autocast); of use where
  // the processor has it (AVX512-BF16, AMX).
  enum class Precision { float32, bfloat16 };
  Precision precision = Precision::float32;
};

struct FitResult {
  int epochs = 0;  // trained in all, those before a resume included
  StopDecision stop = {};
  bool interrupted = false;  // ended within an epoch, with an intermediate checkpoint
  std::optional<CheckpointInfo> best = std::nullopt;
  Metrics last_metrics = {};  // of the last epoch of this call; empty if there was none
};

// How much a resume insists on.
struct ResumeOptions {
  RestoreOptions::Incomplete incomplete = RestoreOptions::Incomplete::refuse;
  // Whether a training that early stopping has ended stays ended, or goes on with new patience.
  enum class AfterStop { stay, go_on };
  AfterStop after_stop = AfterStop::stay;
};

class Trainer {
 public:
  // The model's frozen set and the optimizer's groups must be final. The references are kept. A
  // schedule sets its first rate. Throws as CheckpointManager, EarlyStopping and Scheduler.
  Trainer(Model model, torch::optim::Optimizer& optimizer, TrainerOptions options = {});
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // Trains until `epochs` are done or early stopping says so. Metrics: train_loss, train_acc and,
  // with `validation`, val_loss, val_acc. Each epoch ends with a line in metrics.jsonl and, if the
  // manager wants it, a checkpoint; an epoch whose metric is not finite ends without one, so that
  // the last checkpoint is of use, and while the loss is not finite no intermediate one is written.
  // After each epoch checksums prove that nothing frozen moved; else mismatch is thrown, naming it.
  // Lines that an earlier run wrote for the epochs to come go.
  // Throws not_found, before the first epoch, for a metric that there will not be and for globs
  // that match nothing; invalid_argument for parameters to unfreeze that the optimizer lacks; io.
  FitResult fit(BatchSource& training,
                BatchSource* validation,
                TrainingObserver* observer = nullptr);

  // Takes up where `checkpoint` was saved, also within an epoch, to the bit; call it before fit().
  // The lineage is the checkpoint's, or goes on from it where it is in another directory.
  // The file at `path`, from which it was loaded, is not deleted by this trainer. Returns what
  // could not be restored, with reasons: nothing, unless the options accept less. Throws as
  // restore_checkpoint, and mismatch for the state of a scheduler without a schedule, and of a
  // moving average without one. The steps of unfreezing are those of the checkpoint if the options
  // have none.
  std::vector<std::string> resume(const Value& checkpoint,
                                  const std::filesystem::path& path,
                                  BatchSource& training,
                                  const ResumeOptions& options = {});

  CheckpointManager& checkpoints() { return manager_; }
  Ema* ema() { return ema_ ? &*ema_ : nullptr; }  // null without ema_decay

 private:
  FitResult run(BatchSource& training, BatchSource* validation, TrainingObserver& observer);
  void check_metric_names(const BatchSource* validation) const;
  void check_unfreezing() const;
  void start_epoch(BatchSource& training);
  void tell_cut(const Batch& batch, TrainingObserver& observer);
  at::Tensor compute(const at::Tensor& images);
  const std::string& schedule_monitor() const;
  Metrics metrics_of_epoch(BatchSource* validation);
  // False if it was interrupted.
  bool train_epoch(BatchSource& training, TrainingObserver& observer);
  void train_batch(const Batch& batch);
  bool after_step(BatchSource& training, TrainingObserver& observer);
  void step_schedule(const Metrics& metrics);
  TrainingState state(double loss, const BatchSource& training) const;
  void tell_written(TrainingObserver& observer);
  Metrics with_rate(const Metrics& metrics) const;
  void save_checkpoint(const Metrics& metrics,
                       const BatchSource& training,
                       TrainingObserver& observer);
  void save_intermediate(const BatchSource& training, TrainingObserver& observer);
  void save_after_exception(const BatchSource& training, TrainingObserver& observer) noexcept;
  void restore_best();

  // Where in a step the training is: what has to be put back if it goes no further.
  enum class Phase { between_steps, computing, changing };

  Model model_;
  torch::optim::Optimizer& optimizer_;
  TrainerOptions options_;
  CheckpointManager manager_;
  std::optional<EarlyStopping> stopping_;
  std::optional<Scheduler> scheduler_;
  std::optional<Ema> ema_;
  std::unique_ptr<EpochProgress> progress_;
  std::unique_ptr<BatchSnapshot> snapshot_;  // only to save on an exception
  std::optional<FrozenBackbone> backbone_;
  std::string told_cut_;  // the last that an observer was told
  std::unique_ptr<FrozenDigest> digest_;
  Phase phase_ = Phase::between_steps;
  int epoch_ = 0;  // the one being trained, or the next
  std::int64_t step_ = 0;
};

}  // namespace torchkeep
