#include <algorithm>
#include <limits>

#include <torchkeep/dataset.h>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>

#include "base/fail.h"

namespace torchkeep {
namespace batch_source_detail {

constexpr double kLargestPixel = 255.0;

// Whether the tensor can be written to without anybody noticing.
bool can_be_reused(const at::Tensor& tensor, at::IntArrayRef shape) {
  return tensor.defined() && tensor.sizes() == shape && tensor.use_count() == 1 &&
         tensor.storage().use_count() == 1;
}

void require_same(const Value& state, const char* key, std::int64_t expected) {
  const std::int64_t found = state[key].as_int();
  if (found == expected) return;
  fail_at(ErrorCode::mismatch, {}, "use the data and the options of the first run",
          "the saved position is one of other batches: {} differs (expected {}, got {})", key,
          expected, found);
}

}  // namespace batch_source_detail

BatchSource::BatchSource(Dataset dataset, BatchOptions options)
    : dataset_(std::move(dataset)), options_(options) {
  if (dataset_.size() == 0) fail(ErrorCode::invalid_argument, "the data set is empty");
  if (options_.batch_size < 1) {
    fail(ErrorCode::invalid_argument, "the batch size is {} (expected at least 1)",
         options_.batch_size);
  }
  if (!(options_.standard_deviation > 0.0)) {
    fail(ErrorCode::invalid_argument, "the standard deviation is {} (expected more than 0)",
         options_.standard_deviation);
  }
  rows_ = at::empty({0}, at::kByte);
  start_epoch(0);
}

void BatchSource::start_epoch(int epoch) {
  epoch_ = epoch;
  position_ = 0;
  if (options_.order == BatchOptions::Order::as_is) return;
  const std::uint64_t seed = options_.seed + static_cast<std::uint64_t>(epoch);
  order_ = at::randperm(dataset_.size(), at::detail::createCPUGenerator(seed), at::kLong);
}

bool BatchSource::next(Batch& batch) {
  namespace detail = batch_source_detail;
  const std::int64_t count = std::min(options_.batch_size, dataset_.size() - position_);
  if (count <= 0) return false;
  if (order_.defined()) {
    const at::Tensor index = order_.narrow(0, position_, count);
    rows_.resize_({0});  // keeps its memory
    at::index_select_out(rows_, dataset_.images, 0, index);
    batch.labels = dataset_.labels.index_select(0, index);
  } else {
    rows_ = dataset_.images.narrow(0, position_, count);
    batch.labels = dataset_.labels.narrow(0, position_, count);
  }
  if (!detail::can_be_reused(batch.images, rows_.sizes())) {
    batch.images = at::empty(rows_.sizes(), at::kFloat);
  }
  batch.images.copy_(rows_)
      .div_(detail::kLargestPixel)
      .sub_(options_.mean)
      .div_(options_.standard_deviation);
  position_ += count;
  return true;
}

std::int64_t BatchSource::batches() const {
  return (dataset_.size() + options_.batch_size - 1) / options_.batch_size;
}

Value BatchSource::state_dict() const {
  return dict({{"seed", static_cast<std::int64_t>(options_.seed)},
               {"epoch", epoch_},
               {"position", position_},
               {"size", dataset_.size()},
               {"batch_size", options_.batch_size}});
}

void BatchSource::load_state_dict(const Value& state) {
  namespace detail = batch_source_detail;
  detail::require_same(state, "seed", static_cast<std::int64_t>(options_.seed));
  detail::require_same(state, "size", dataset_.size());
  detail::require_same(state, "batch_size", options_.batch_size);
  const std::int64_t epoch = state["epoch"].as_int();
  const std::int64_t position = state["position"].as_int();
  if (epoch < 0 || epoch > std::numeric_limits<int>::max() || position < 0 ||
      position > dataset_.size()) {
    fail(ErrorCode::corrupt, "the saved position is epoch {}, image {} (expected at most image {})",
         epoch, position, dataset_.size());
  }
  start_epoch(static_cast<int>(epoch));
  position_ = position;
}

}  // namespace torchkeep
