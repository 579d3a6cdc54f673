#include <algorithm>
#include <cmath>
#include <utility>

#include <torchkeep/lr_finder.h>
#include <torchkeep/module.h>
#include <torchkeep/random_state.h>

#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include "base/fail.h"

namespace torchkeep {
namespace lr_finder_detail {

void check(const LrSearchOptions& options) {
  const bool is_range =
      options.min_lr > 0.0 && options.max_lr > options.min_lr && std::isfinite(options.max_lr);
  if (!is_range) {
    fail(ErrorCode::invalid_argument, "the rates go from {} to {} (expected a range above 0)",
         options.min_lr, options.max_lr);
  }
  if (options.steps < 10) {
    fail(ErrorCode::invalid_argument, "{} steps are too few (expected at least 10)", options.steps);
  }
  if (!(options.smoothing >= 0.0 && options.smoothing < 1.0)) {
    fail(ErrorCode::invalid_argument, "the smoothing is {} (expected 0 to less than 1)",
         options.smoothing);
  }
}

// Puts everything back that a trial changes, except for the optimizer.
class Undo {
 public:
  Undo(const Model& model, BatchSource& batches)
      : model_(model),
        batches_(batches),
        batches_before_(batches),
        random_state_(random_state()),
        was_training_(model->is_training()) {
    const auto keep = [this](const at::Tensor& tensor) {
      tensors_.emplace_back(tensor, tensor.detach().clone());
    };
    for (const at::Tensor& parameter : model->parameters()) {
      if (parameter.requires_grad()) keep(parameter);
    }
    for (const at::Tensor& buffer : model->buffers()) keep(buffer);
  }
  ~Undo() {
    const at::NoGradGuard no_gradients;
    for (auto& [tensor, copy] : tensors_) {
      if (!tensor.equal(copy)) tensor.copy_(copy);
      tensor.mutable_grad().reset();
    }
    batches_ = batches_before_;
    set_random_state(random_state_);
    was_training_ ? model_.train() : model_.eval();
  }
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;

 private:
  const Model& model_;
  BatchSource& batches_;
  BatchSource batches_before_;
  Tensor random_state_;
  bool was_training_;
  std::vector<std::pair<at::Tensor, at::Tensor>> tensors_;
};

class Trial {
 public:
  Trial(const Model& model,
        torch::optim::Optimizer& optimizer,
        BatchSource& batches,
        const LrSearchOptions& options)
      : optimizer_(optimizer),
        batches_(batches),
        loss_(options.loss ? options.loss : cross_entropy()),
        backbone_(model, options.frozen_backbone) {
    const double first = optimizer.param_groups().front().options().get_lr();
    for (const auto& group : optimizer.param_groups()) {
      factors_.push_back(first > 0.0 ? group.options().get_lr() / first : 1.0);
    }
    batches_.start_epoch(0);
  }

  // The loss before the step.
  double step(double lr) {
    for (std::size_t i = 0; i < factors_.size(); ++i) {
      optimizer_.param_groups()[i].options().set_lr(lr * factors_[i]);
    }
    if (!batches_.next(batch_)) {
      batches_.start_epoch(++epoch_);
      batches_.next(batch_);
    }
    optimizer_.zero_grad();
    const at::Tensor loss = loss_(backbone_.forward(batch_.images), batch_.labels);
    loss.backward();
    optimizer_.step();
    return loss.item<double>();
  }

 private:
  torch::optim::Optimizer& optimizer_;
  BatchSource& batches_;
  Loss loss_;
  FrozenBackbone backbone_;
  std::vector<double> factors_;
  Batch batch_;
  int epoch_ = 0;
};

// The first steps have no mean to speak of, and the last lead to the end of the trial.
void suggest(LrSearch& search) {
  const auto& steps = search.steps;
  const auto lowest = std::ranges::min_element(steps, {}, &LrSearch::Step::loss);
  search.at_least_loss = lowest->lr;
  const auto end = static_cast<std::size_t>(lowest - steps.begin());
  double steepest = 0.0;
  for (std::size_t i = std::max<std::size_t>(steps.size() / 10, 1); i < end; ++i) {
    const double slope = steps[i + 1].loss - steps[i - 1].loss;
    if (slope >= steepest) continue;
    steepest = slope;
    search.suggested = steps[i].lr;
  }
  if (search.suggested == 0.0) search.suggested = search.at_least_loss / 10;
}

}  // namespace lr_finder_detail

LrSearch find_learning_rate(const Model& model,
                            torch::optim::Optimizer& optimizer,
                            BatchSource& batches,
                            const LrSearchOptions& options) {
  namespace detail = lr_finder_detail;
  detail::check(options);
  const detail::Undo undo(model, batches);
  model.train();
  detail::Trial trial(model, optimizer, batches, options);
  const double growth = std::pow(options.max_lr / options.min_lr, 1.0 / (options.steps - 1));
  LrSearch search;
  double mean = 0.0;
  double weight = 0.0;
  double least = 0.0;
  double lr = options.min_lr;
  for (int i = 0; i < options.steps; ++i, lr *= growth) {
    const double loss = trial.step(lr);
    if (!std::isfinite(loss)) break;
    mean = options.smoothing * mean + (1.0 - options.smoothing) * loss;
    weight = options.smoothing * weight + (1.0 - options.smoothing);
    const double smoothed = mean / weight;
    search.steps.push_back({lr, smoothed});
    least = i == 0 ? smoothed : std::min(least, smoothed);
    if (smoothed > options.stop_at_loss * least) break;
  }
  if (search.steps.empty()) {
    fail(ErrorCode::invalid_argument, "the loss of the model is not finite at the first step");
  }
  detail::suggest(search);
  return search;
}

}  // namespace torchkeep
