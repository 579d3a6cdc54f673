#include "vision/batch_pipeline.h"

#include <algorithm>

#include <ATen/Functions.h>

#include "base/fail.h"
#include "base/parallel.h"

namespace torchkeep {

namespace batch_pipeline_detail {

// Whether the tensor can be written to without anybody noticing.
bool can_be_reused(const at::Tensor& tensor, at::IntArrayRef shape) {
  return tensor.defined() && tensor.sizes() == shape && tensor.use_count() == 1 &&
         tensor.storage().use_count() == 1;
}

int threads_for(const Dataset& dataset, int workers) {
  return dataset.images.defined() && workers == 0 ? 0 : effective_threads(workers);
}

// x a + y (1 - a), where y are the rows of x moved on by one.
at::Tensor mixed(const at::Tensor& x, double a) {
  const at::Tensor others = x.roll(1, 0).mul_(1.0 - a);
  return x.mul(a).add_(others);
}

}  // namespace batch_pipeline_detail

BatchPipeline::BatchPipeline(Dataset dataset, const BatchOptions& options)
    : options_(options),
      samples_(std::move(dataset), options),
      threads_(batch_pipeline_detail::threads_for(samples_.dataset(), options.workers)) {
  if (options_.batch_size < 1) {
    fail(ErrorCode::invalid_argument, "the batch size is {} (expected at least 1)",
         options_.batch_size);
  }
  if (options_.augmentation.mixup > 0.0 && this->dataset().class_names.empty()) {
    fail(ErrorCode::invalid_argument, "mixup needs to know the classes of the data set");
  }
  if (options_.workers < 0) {
    fail(ErrorCode::invalid_argument, "{} workers are asked for (expected at least 0)",
         options_.workers);
  }
}

Batch BatchPipeline::make(const std::vector<std::int64_t>& indexes, int epoch, Batch spare) const {
  std::vector<std::int64_t> shape = samples_.shape();
  shape.insert(shape.begin(), static_cast<std::int64_t>(indexes.size()));
  Batch batch = std::move(spare);
  if (!batch_pipeline_detail::can_be_reused(batch.images, shape)) {
    batch.images = at::empty(shape, at::kFloat);
  }
  float* out = batch.images.data_ptr<float>();
  batch.labels = at::empty({shape.front()}, at::kLong);
  auto* labels = batch.labels.data_ptr<std::int64_t>();
  const auto all_labels = dataset().labels.accessor<std::int64_t, 1>();
  parallel_for(indexes.size(), threads_, [&](std::size_t i) {
    samples_.write(indexes[i], epoch, out + static_cast<std::int64_t>(i) * samples_.elements());
    labels[i] = all_labels[indexes[i]];
  });
  if (options_.augmentation.mixup > 0.0) {
    // Of its own for each batch: no image has a negative number.
    ImageRandom random(options_.seed, epoch, -1 - indexes.front());
    const double share = random.beta(options_.augmentation.mixup);
    const auto classes = static_cast<std::int64_t>(dataset().class_names.size());
    batch.images = batch_pipeline_detail::mixed(batch.images, share);
    batch.labels =
        batch_pipeline_detail::mixed(at::one_hot(batch.labels, classes).to(at::kFloat), share);
  }
  return batch;
}

}  // namespace torchkeep
