#include <utility>

#include <torchkeep/load.h>
#include <torchkeep/module.h>
#include <torchkeep/trainer.h>

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include "train/file_name.h"
#include "train/metrics_log.h"

namespace torchkeep {
namespace trainer_detail {

at::Tensor predicted_classes(const at::Tensor& output) {
  return output.size(1) == 1 ? output.squeeze(1).gt(0).to(at::kLong) : output.argmax(1);
}

// Means over the images seen so far.
class RunningMean {
 public:
  void add(const at::Tensor& loss, const at::Tensor& output, const at::Tensor& labels) {
    const std::int64_t images = labels.size(0);
    images_ += images;
    loss_ += loss.item<double>() * static_cast<double>(images);
    correct_ += predicted_classes(output).eq(labels).sum().item<std::int64_t>();
  }

  double loss() const { return loss_ / static_cast<double>(images_); }
  double accuracy() const { return static_cast<double>(correct_) / static_cast<double>(images_); }

 private:
  double loss_ = 0.0;
  std::int64_t correct_ = 0;
  std::int64_t images_ = 0;
};

Loss loss_or_cross_entropy(const Loss& loss) {
  if (loss) return loss;
  return [](const at::Tensor& output, const at::Tensor& labels) {
    return at::cross_entropy_loss(output, labels);
  };
}

}  // namespace trainer_detail

void TrainingObserver::on_batch(int, std::int64_t, std::int64_t, double) {}
void TrainingObserver::on_epoch(int, const Metrics&) {}
void TrainingObserver::on_checkpoint(const CheckpointInfo&) {}
void TrainingObserver::on_stop(const StopDecision&) {}

Metrics evaluate(const Model& model, BatchSource& batches, const Loss& loss) {
  const at::NoGradGuard no_gradients;
  const Loss criterion = trainer_detail::loss_or_cross_entropy(loss);
  model.eval();
  batches.start_epoch(0);
  trainer_detail::RunningMean mean;
  Batch batch;
  while (batches.next(batch)) {
    const at::Tensor output = model.forward(batch.images);
    mean.add(criterion(output, batch.labels), output, batch.labels);
  }
  return {{"loss", mean.loss()}, {"acc", mean.accuracy()}};
}

Trainer::Trainer(Model model, torch::optim::Optimizer& optimizer, TrainerOptions options)
    : model_(std::move(model)),
      optimizer_(optimizer),
      options_(std::move(options)),
      manager_(options_.directory, options_.checkpoints) {
  options_.loss = trainer_detail::loss_or_cross_entropy(options_.loss);
  if (options_.early_stopping) stopping_.emplace(*options_.early_stopping);
}

FitResult Trainer::fit(BatchSource& training, BatchSource* validation, TrainingObserver* observer) {
  TrainingObserver silent;
  TrainingObserver& told = observer == nullptr ? silent : *observer;
  check_metric_names(validation);
  MetricsLog log(options_.directory / "metrics.jsonl", epoch_);
  FitResult result;
  if (stopping_) result.stop = stopping_->decision();

  for (; epoch_ < options_.epochs && !result.stop.stop; ++epoch_) {
    Metrics metrics = train_epoch(training, told);
    if (validation != nullptr) {
      for (const auto& [key, value] : evaluate(model_, *validation, options_.loss)) {
        metrics["val_" + key] = value;
      }
    }
    if (stopping_) result.stop = stopping_->check(metrics, epoch_);
    log.append(epoch_, step_, metrics);
    told.on_epoch(epoch_, metrics);
    if (result.stop.reason != StopReason::non_finite_metric) {
      save_checkpoint(metrics, training, told);
    }
    result.last_metrics = std::move(metrics);
  }

  result.epochs = epoch_;
  result.best = manager_.best();
  if (result.stop.stop) told.on_stop(result.stop);
  if (options_.at_the_end == TrainerOptions::AtTheEnd::restore_best) restore_best();
  return result;
}

Metrics Trainer::train_epoch(BatchSource& training, TrainingObserver& observer) {
  model_.train();
  training.start_epoch(epoch_);
  trainer_detail::RunningMean mean;
  Batch batch;
  for (std::int64_t number = 0; training.next(batch); ++number) {
    optimizer_.zero_grad();
    const at::Tensor output = model_.forward(batch.images);
    const at::Tensor loss = options_.loss(output, batch.labels);
    loss.backward();
    optimizer_.step();
    ++step_;
    mean.add(loss, output, batch.labels);
    observer.on_batch(epoch_, number, training.batches(), mean.loss());
  }
  return {{"train_loss", mean.loss()}, {"train_acc", mean.accuracy()}};
}

void Trainer::save_checkpoint(const Metrics& metrics,
                              const BatchSource& training,
                              TrainingObserver& observer) {
  if (!manager_.wants(epoch_)) return;
  const Value checkpoint = make_checkpoint({.model = model_,
                                            .optimizer = &optimizer_,
                                            .epoch = epoch_,
                                            .step = step_,
                                            .loss = metrics.at("train_loss"),
                                            .metrics = metrics,
                                            .sampler_state = training.state_dict(),
                                            .hyper_parameters = options_.hyper_parameters,
                                            .early_stopping = stopping_ ? &*stopping_ : nullptr});
  if (manager_.save(checkpoint, metrics)) observer.on_checkpoint(*manager_.last());
}

void Trainer::restore_best() {
  const auto best = manager_.best();
  if (best) load_state_dict(model_.module(), load(best->path)["model_state_dict"]);
}

void Trainer::resume(const Value& checkpoint,
                     const std::filesystem::path& path,
                     BatchSource& training) {
  const BatchSource before = training;
  const Value* sampler_state = checkpoint.find("sampler_state");
  if (sampler_state != nullptr && !sampler_state->is_none()) {
    training.load_state_dict(*sampler_state);
  }
  try {
    const RestoredState restored =
        restore_checkpoint(checkpoint, model_, &optimizer_, stopping_ ? &*stopping_ : nullptr);
    epoch_ = restored.epoch + 1;
    step_ = restored.step;
  } catch (...) {
    training = before;
    throw;
  }
  manager_.protect(path);
}

// Metrics have to be known by name before hours are spent on computing them.
void Trainer::check_metric_names(const BatchSource* validation) const {
  Metrics metrics{{"train_loss", 0.0}, {"train_acc", 0.0}};
  if (validation != nullptr) metrics.insert({{"val_loss", 0.0}, {"val_acc", 0.0}});
  const CheckpointManagerOptions& checkpoints = options_.checkpoints;
  if (!checkpoints.monitor.empty()) metric(metrics, checkpoints.monitor);
  format_file_name(checkpoints.filename.empty() ? default_file_name_template(checkpoints.monitor)
                                                : checkpoints.filename,
                   0, 0, metrics);
  if (stopping_ && stopping_->options().strict) metric(metrics, stopping_->options().monitor);
}

}  // namespace torchkeep
