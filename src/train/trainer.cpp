#include <cmath>
#include <unordered_set>
#include <utility>

#include <torchkeep/lineage.h>
#include <torchkeep/load.h>
#include <torchkeep/module.h>
#include <torchkeep/trainer.h>

#include <ATen/Functions.h>
#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include "base/fail.h"
#include "nn/libtorch_version.h"
#include "nn/parameter_globs.h"
#include "train/batch_snapshot.h"
#include "train/epoch_progress.h"
#include "train/file_name.h"
#include "train/frozen_digest.h"
#include "train/loss.h"
#include "train/metrics_log.h"

namespace torchkeep {
namespace trainer_detail {

const Value* state_in(const Value& checkpoint, const char* key) {
  const Value* state = checkpoint.find(key);
  return state == nullptr || state->is_none() ? nullptr : state;
}

// Puts the position in the data back unless it is kept.
class SamplerGuard {
 public:
  explicit SamplerGuard(BatchSource& batches) : batches_(batches), before_(batches) {}
  ~SamplerGuard() {
    if (!kept_) batches_ = before_;
  }
  SamplerGuard(const SamplerGuard&) = delete;
  SamplerGuard& operator=(const SamplerGuard&) = delete;
  void keep() { kept_ = true; }

 private:
  BatchSource& batches_;
  BatchSource before_;
  bool kept_ = false;
};

void restore_sampler(const Value& checkpoint, BatchSource& training) {
  const Value* state = state_in(checkpoint, "sampler_state");
  if (state == nullptr) {
    fail_at(ErrorCode::not_found, {.tensor = "sampler_state"}, "",
            "the checkpoint does not say where in the data the training was");
  }
  training.load_state_dict(*state);
}

void require_no_schedule(const Value& checkpoint) {
  if (state_in(checkpoint, "scheduler_state_dict") == nullptr) return;
  fail_at(ErrorCode::mismatch, {.tensor = "scheduler_state_dict"}, "give the training its schedule",
          "the checkpoint has the state of a scheduler, and the training has none");
}

void require_no_average(const Value& checkpoint) {
  if (state_in(checkpoint, "ema_state_dict") == nullptr) return;
  fail_at(ErrorCode::mismatch, {.tensor = "ema_state_dict"}, "set ema_decay",
          "the checkpoint has a moving average of the weights, and the training has none");
}

}  // namespace trainer_detail

void TrainingObserver::before_step(const Batch&) {}
void TrainingObserver::on_cut(const FrozenBackbone::Cut&) {}
void TrainingObserver::on_batch(int, std::int64_t, std::int64_t, double) {}
void TrainingObserver::on_epoch(int, const Metrics&) {}
void TrainingObserver::on_checkpoint(const CheckpointInfo&) {}
void TrainingObserver::on_stop(const StopDecision&) {}

Trainer::Trainer(Model model, torch::optim::Optimizer& optimizer, TrainerOptions options)
    : model_(std::move(model)),
      optimizer_(optimizer),
      options_(std::move(options)),
      manager_(options_.directory, options_.checkpoints),
      progress_(std::make_unique<EpochProgress>()) {
  options_.loss = loss_or_cross_entropy(options_.loss);
  if (options_.frozen_backbone) backbone_.emplace(model_, *options_.frozen_backbone);
  if (options_.early_stopping) stopping_.emplace(*options_.early_stopping);
  if (options_.ema_decay) ema_.emplace(model_.module(), *options_.ema_decay);
  if (!options_.schedule) return;
  scheduler_.emplace(optimizer_, *options_.schedule);
  if (scheduler_->needs_metric() && options_.schedule_each == TrainerOptions::ScheduleEach::step) {
    fail_at(ErrorCode::invalid_argument, {}, "let it step after each epoch",
            "ReduceLROnPlateau watches a metric, which there is once an epoch");
  }
}

Trainer::~Trainer() = default;

FitResult Trainer::fit(BatchSource& training, BatchSource* validation, TrainingObserver* observer) {
  TrainingObserver silent;
  TrainingObserver& told = observer == nullptr ? silent : *observer;
  check_metric_names(validation);
  check_unfreezing();
  if (options_.save_on_exception) snapshot_ = std::make_unique<BatchSnapshot>(model_, training);
  try {
    return run(training, validation, told);
  } catch (...) {
    save_after_exception(training, told);
    throw;
  }
}

FitResult Trainer::run(BatchSource& training, BatchSource* validation, TrainingObserver& observer) {
  MetricsLog log(options_.directory / "metrics.jsonl", epoch_);
  FitResult result;
  if (stopping_) result.stop = stopping_->decision();

  for (; epoch_ < options_.epochs && !result.stop.stop; ++epoch_) {
    result.interrupted = !train_epoch(training, observer);
    if (result.interrupted) break;
    digest_->check();
    Metrics metrics = metrics_of_epoch(validation);
    phase_ = Phase::changing;
    if (stopping_) result.stop = stopping_->check(metrics, epoch_);
    log.append(epoch_, step_, with_rate(metrics));
    step_schedule(metrics);
    *progress_ = {};
    observer.on_epoch(epoch_, metrics);
    if (result.stop.reason != StopReason::non_finite_metric) {
      save_checkpoint(metrics, training, observer);
    }
    phase_ = Phase::between_steps;
    result.last_metrics = std::move(metrics);
  }

  manager_.wait();
  tell_written(observer);
  result.epochs = epoch_;
  result.best = manager_.best();
  if (result.stop.stop) observer.on_stop(result.stop);
  if (options_.at_the_end == TrainerOptions::AtTheEnd::restore_best && !result.interrupted) {
    restore_best();
  }
  return result;
}

bool Trainer::train_epoch(BatchSource& training, TrainingObserver& observer) {
  start_epoch(training);
  Batch batch;
  while (true) {
    if (snapshot_) snapshot_->take();
    phase_ = Phase::computing;
    if (!training.next(batch)) break;
    if (progress_->batches() == 0) tell_cut(batch, observer);
    observer.before_step(batch);
    train_batch(batch);
    phase_ = Phase::between_steps;
    if (!after_step(training, observer)) return false;
  }
  phase_ = Phase::between_steps;
  return true;
}

// What was unfrozen before a resume is trainable already.
void Trainer::start_epoch(BatchSource& training) {
  const bool goes_on = progress_->batches() > 0;
  if (!goes_on) training.start_epoch(epoch_);
  bool changed = !digest_;
  for (const UnfreezeStep& step : options_.unfreeze) {
    if (goes_on || step.epoch != epoch_) continue;
    unfreeze(model_.module(), step.globs);
    changed = true;
  }
  if (changed) digest_ = std::make_unique<FrozenDigest>(model_.module());
  model_.train();
}

void Trainer::tell_cut(const Batch& batch, TrainingObserver& observer) {
  if (!backbone_ || frozen_parameters(model_.module()).empty()) return;
  const FrozenBackbone::Cut cut = backbone_->cut(batch.images.sizes().vec());
  if (to_string(cut) == told_cut_) return;
  told_cut_ = to_string(cut);
  observer.on_cut(cut);
}

at::Tensor Trainer::compute(const at::Tensor& images) {
  std::optional<CpuAutocast> autocast;
  if (options_.precision == TrainerOptions::Precision::bfloat16) autocast.emplace(at::kBFloat16);
  const at::Tensor output = backbone_ ? backbone_->forward(images) : model_.forward(images);
  return autocast ? output.to(images.scalar_type()) : output;
}

void Trainer::train_batch(const Batch& batch) {
  optimizer_.zero_grad();
  const at::Tensor output = compute(batch.images);
  const at::Tensor loss = options_.loss(output, batch.labels);
  loss.backward();
  phase_ = Phase::changing;
  optimizer_.step();
  if (ema_) ema_->update();
  if (scheduler_ && options_.schedule_each == TrainerOptions::ScheduleEach::step) {
    scheduler_->step();
  }
  ++step_;
  progress_->add(loss, output, batch.labels);
}

bool Trainer::after_step(BatchSource& training, TrainingObserver& observer) {
  observer.on_batch(epoch_, progress_->batches() - 1, training.batches(), progress_->loss());
  const bool interrupted = options_.interrupted && options_.interrupted();
  if (interrupted || manager_.wants_step(step_)) save_intermediate(training, observer);
  return !interrupted;
}

Metrics Trainer::metrics_of_epoch(BatchSource* validation) {
  Metrics metrics{{"train_loss", progress_->loss()}, {"train_acc", progress_->accuracy()}};
  if (validation == nullptr) return metrics;
  const Model computed(model_.architecture(), model_.added_configuration(), model_.ptr(),
                       [this](const at::Tensor& images) { return compute(images); });
  for (const auto& [key, value] : evaluate(computed, *validation, options_.loss)) {
    metrics["val_" + key] = value;
  }
  if (!ema_) return metrics;
  const WithAverages averaged(*ema_);
  for (const auto& [key, value] : evaluate(model_, *validation, options_.loss)) {
    metrics["ema_val_" + key] = value;
  }
  return metrics;
}

void Trainer::step_schedule(const Metrics& metrics) {
  if (!scheduler_ || options_.schedule_each == TrainerOptions::ScheduleEach::step) return;
  if (scheduler_->needs_metric()) {
    scheduler_->step(metric(metrics, schedule_monitor()));
  } else {
    scheduler_->step();
  }
}

const std::string& Trainer::schedule_monitor() const {
  static const std::string kTrainLoss = "train_loss";
  if (!options_.schedule_monitor.empty()) return options_.schedule_monitor;
  return options_.checkpoints.monitor.empty() ? kTrainLoss : options_.checkpoints.monitor;
}

// For the log, where a schedule changes it.
Metrics Trainer::with_rate(const Metrics& metrics) const {
  Metrics logged = metrics;
  if (scheduler_) logged["lr"] = optimizer_.param_groups().front().options().get_lr();
  return logged;
}

TrainingState Trainer::state(double loss, const BatchSource& training) const {
  return {.model = model_,
          .optimizer = &optimizer_,
          .scheduler = scheduler_ ? &*scheduler_ : nullptr,
          .epoch = epoch_,
          .step = step_,
          .loss = loss,
          .sampler_state = training.state_dict(),
          .hyper_parameters = options_.hyper_parameters,
          .lineage = options_.lineage,
          .early_stopping = stopping_ ? &*stopping_ : nullptr,
          .ema = ema_ ? &*ema_ : nullptr,
          .unfreeze = options_.unfreeze};
}

// Saves in the background are told of once they have ended.
void Trainer::tell_written(TrainingObserver& observer) {
  for (const CheckpointInfo& info : manager_.take_written()) observer.on_checkpoint(info);
}

void Trainer::save_checkpoint(const Metrics& metrics,
                              const BatchSource& training,
                              TrainingObserver& observer) {
  if (!manager_.wants(epoch_)) return;
  TrainingState now = state(metrics.at("train_loss"), training);
  now.metrics = metrics;
  manager_.save(make_checkpoint(now), metrics);
  tell_written(observer);
}

// A loss that is not finite has spoilt the parameters: the checkpoint before is worth more.
void Trainer::save_intermediate(const BatchSource& training, TrainingObserver& observer) {
  const double loss = progress_->batches() == 0 ? 0.0 : progress_->loss();
  if (!std::isfinite(loss)) return;
  TrainingState now = state(loss, training);
  now.epoch_progress = progress_->to_value();
  manager_.save_intermediate(make_checkpoint(now));
  tell_written(observer);
}

// What went wrong first counts for more than a failure to save.
void Trainer::save_after_exception(const BatchSource& training,
                                   TrainingObserver& observer) noexcept {
  if (!snapshot_ || phase_ == Phase::changing) return;
  try {
    if (phase_ == Phase::computing) snapshot_->put_back();
    save_intermediate(training, observer);
    manager_.wait();
  } catch (...) {
    return;
  }
}

void Trainer::restore_best() {
  const auto best = manager_.best();
  if (best) load_state_dict(model_.module(), load(best->path)["model_state_dict"]);
}

std::vector<std::string> Trainer::resume(const Value& checkpoint,
                                         const std::filesystem::path& path,
                                         BatchSource& training,
                                         const ResumeOptions& options) {
  namespace detail = trainer_detail;
  const bool accepts = options.incomplete == RestoreOptions::Incomplete::accept;
  Value lineage = continued_lineage(checkpoint, path, options_.directory, options_.lineage);
  detail::SamplerGuard sampler(training);
  std::vector<std::string> not_restored;
  EpochProgress progress;
  const Value* inside_epoch = detail::state_in(checkpoint, "epoch_progress");
  try {
    detail::restore_sampler(checkpoint, training);
    if (inside_epoch) progress = EpochProgress::from_value(*inside_epoch);
  } catch (const Error& error) {
    if (!accepts) throw;
    not_restored.push_back(fmt::format("the position in the data: {}", error.what()));
  }
  if (!scheduler_ && !accepts) detail::require_no_schedule(checkpoint);
  if (!ema_ && !accepts) detail::require_no_average(checkpoint);
  const RestoredState restored =
      restore_checkpoint(checkpoint,
                         {.model = model_,
                          .optimizer = &optimizer_,
                          .scheduler = scheduler_ ? &*scheduler_ : nullptr,
                          .early_stopping = stopping_ ? &*stopping_ : nullptr,
                          .ema = ema()},
                         {.incomplete = options.incomplete});
  not_restored.insert(not_restored.end(), restored.not_restored.begin(),
                      restored.not_restored.end());
  sampler.keep();
  if (options_.unfreeze.empty()) options_.unfreeze = unfreeze_steps(checkpoint);
  epoch_ = inside_epoch ? restored.epoch : restored.epoch + 1;
  step_ = restored.step;
  *progress_ = progress;
  if (stopping_ && options.after_stop == ResumeOptions::AfterStop::go_on) stopping_->rearm();
  options_.lineage = std::move(lineage);
  manager_.protect(path);
  return not_restored;
}

// Metrics have to be known by name before hours are spent on computing them.
void Trainer::check_metric_names(const BatchSource* validation) const {
  Metrics metrics{{"train_loss", 0.0}, {"train_acc", 0.0}};
  if (validation != nullptr) {
    metrics.insert({{"val_loss", 0.0}, {"val_acc", 0.0}});
    if (ema_) metrics.insert({{"ema_val_loss", 0.0}, {"ema_val_acc", 0.0}});
  }
  const CheckpointManagerOptions& checkpoints = options_.checkpoints;
  for (const std::string& monitor : {checkpoints.monitor, checkpoints.retention.monitor}) {
    if (!monitor.empty()) metric(metrics, monitor);
  }
  format_file_name(checkpoints.filename.empty() ? default_file_name_template(checkpoints.monitor)
                                                : checkpoints.filename,
                   0, 0, metrics);
  if (stopping_ && stopping_->options().strict) metric(metrics, stopping_->options().monitor);
  if (scheduler_ && scheduler_->needs_metric()) metric(metrics, schedule_monitor());
}

void Trainer::check_unfreezing() const {
  std::unordered_set<const void*> known;
  for (const auto& group : optimizer_.param_groups()) {
    for (const at::Tensor& parameter : group.params())
      known.insert(parameter.unsafeGetTensorImpl());
  }
  for (const UnfreezeStep& step : options_.unfreeze) {
    for (const NamedTensor& each : matching_parameters(model_.module(), step.globs)) {
      if (known.contains(each.tensor.unsafeGetTensorImpl())) continue;
      fail_at(ErrorCode::invalid_argument, {.tensor = each.name},
              "give the optimizer what parameter_groups() or fine_tune() lists",
              "it is to be unfrozen before epoch {}, and the optimizer does not have it",
              step.epoch);
    }
  }
}

}  // namespace torchkeep
