#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include <torchkeep/evaluation.h>

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

#include "train/epoch_progress.h"
#include "train/loss.h"

namespace torchkeep {
namespace evaluation_detail {

// One pass in evaluation mode, without gradients.
void for_each_output(const Model& model,
                     BatchSource& batches,
                     const std::function<void(const at::Tensor& output, const Batch& batch)>& use) {
  const at::NoGradGuard no_gradients;
  model.eval();
  batches.start_epoch(0);
  Batch batch;
  while (batches.next(batch)) use(model.forward(batch.images), batch);
}

// [n, classes]: how sure the model is.
at::Tensor probabilities_of(const at::Tensor& output) {
  if (output.size(1) > 1) return at::softmax(output, 1);
  const at::Tensor second = at::sigmoid(output.squeeze(1));
  return at::stack({at::rsub(second, 1), second}, 1);
}

void count(const at::Tensor& predicted,
           const at::Tensor& labels,
           std::vector<std::vector<std::int64_t>>& confusion) {
  for (std::int64_t i = 0; i < labels.size(0); ++i) {
    const auto label = static_cast<std::size_t>(labels[i].item<std::int64_t>());
    const auto guess = static_cast<std::size_t>(predicted[i].item<std::int64_t>());
    const std::size_t classes = std::max({confusion.size(), label + 1, guess + 1});
    confusion.resize(classes);
    for (auto& row : confusion) row.resize(classes);
    ++confusion[label][guess];
  }
}

}  // namespace evaluation_detail

Metrics evaluate(const Model& model, BatchSource& batches, const Loss& loss) {
  const Loss criterion = loss_or_cross_entropy(loss);
  EpochProgress progress;
  evaluation_detail::for_each_output(
      model, batches, [&](const at::Tensor& output, const Batch& batch) {
        progress.add(criterion(output, batch.labels), output, batch.labels);
      });
  return {{"loss", progress.loss()}, {"acc", progress.accuracy()}};
}

Evaluation evaluate_classes(const Model& model, BatchSource& batches, const Loss& loss) {
  namespace detail = evaluation_detail;
  const Loss criterion = loss_or_cross_entropy(loss);
  EpochProgress progress;
  const std::size_t classes = batches.dataset().class_names.size();
  Evaluation result;
  result.confusion.assign(classes, std::vector<std::int64_t>(classes));
  detail::for_each_output(model, batches, [&](const at::Tensor& output, const Batch& batch) {
    progress.add(criterion(output, batch.labels), output, batch.labels);
    detail::count(predicted_classes(output), batch.labels, result.confusion);
  });
  result.loss = progress.loss();
  result.accuracy = progress.accuracy();
  return result;
}

std::int64_t Evaluation::images_of(std::size_t label) const {
  const auto& row = confusion.at(label);
  return std::accumulate(row.begin(), row.end(), std::int64_t{0});
}

double Evaluation::accuracy_of(std::size_t label) const {
  const std::int64_t images = images_of(label);
  if (images == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(confusion[label][label]) / static_cast<double>(images);
}

std::vector<std::vector<ClassScore>> predict(const Model& model,
                                             const Dataset& images,
                                             const PredictOptions& options) {
  namespace detail = evaluation_detail;
  BatchOptions in_order = options.batches;
  in_order.order = BatchOptions::Order::as_is;
  BatchSource batches(images, in_order);
  std::vector<std::vector<ClassScore>> predictions;
  detail::for_each_output(model, batches, [&](const at::Tensor& output, const Batch&) {
    const at::Tensor probabilities = detail::probabilities_of(output);
    const std::int64_t k = std::clamp<std::int64_t>(options.top_k, 1, probabilities.size(1));
    const auto [values, indexes] = probabilities.topk(k, 1);
    for (std::int64_t i = 0; i < values.size(0); ++i) {
      std::vector<ClassScore>& scores = predictions.emplace_back();
      for (std::int64_t rank = 0; rank < k; ++rank) {
        scores.push_back({indexes[i][rank].item<std::int64_t>(), values[i][rank].item<double>()});
      }
    }
  });
  return predictions;
}

}  // namespace torchkeep
