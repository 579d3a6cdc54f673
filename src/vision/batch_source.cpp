#include <algorithm>
#include <limits>
#include <numeric>

#include <torchkeep/batch_source.h>
#include <torchkeep/dict.h>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>

#include "base/fail.h"
#include "vision/batch_pipeline.h"

namespace torchkeep {
namespace batch_source_detail {

void require_same(const Value& state, const char* key, std::int64_t expected) {
  const std::int64_t found = state[key].as_int();
  if (found == expected) return;
  fail_at(ErrorCode::mismatch, {}, "use the data and the options of the first run",
          "the saved position is one of other batches: {} differs (expected {}, got {})", key,
          expected, found);
}

}  // namespace batch_source_detail

BatchSource::BatchSource(Dataset dataset, BatchOptions options)
    : pipeline_(std::make_shared<const BatchPipeline>(std::move(dataset), options)) {
  start_epoch(0);
}

BatchSource::~BatchSource() = default;
BatchSource::BatchSource(BatchSource&&) noexcept = default;
BatchSource& BatchSource::operator=(BatchSource&&) noexcept = default;

BatchSource::BatchSource(const BatchSource& other)
    : pipeline_(other.pipeline_),
      order_(other.order_),
      epoch_(other.epoch_),
      position_(other.position_) {}

BatchSource& BatchSource::operator=(const BatchSource& other) { return *this = BatchSource(other); }

const Dataset& BatchSource::dataset() const { return pipeline_->dataset(); }

const BatchOptions& BatchSource::options() const { return pipeline_->options(); }

void BatchSource::start_epoch(int epoch) {
  ahead_ = {};
  epoch_ = epoch;
  position_ = 0;
  if (options().order == BatchOptions::Order::as_is) return;
  const std::uint64_t seed = options().seed + static_cast<std::uint64_t>(epoch);
  order_ = at::randperm(dataset().size(), at::detail::createCPUGenerator(seed), at::kLong);
}

std::vector<std::int64_t> BatchSource::next_indexes() const {
  const std::int64_t count = std::min(options().batch_size, dataset().size() - position_);
  std::vector<std::int64_t> indexes(static_cast<std::size_t>(count));
  if (order_.defined()) {
    std::copy_n(order_.data_ptr<std::int64_t>() + position_, count, indexes.begin());
  } else {
    std::iota(indexes.begin(), indexes.end(), position_);
  }
  return indexes;
}

bool BatchSource::next(Batch& batch) {
  if (position_ >= dataset().size()) return false;
  if (ahead_.valid()) {
    Batch made = ahead_.get();
    std::swap(batch, made);
    position_ += batch.labels.size(0);
    make_ahead(std::move(made));
  } else {
    const std::vector<std::int64_t> indexes = next_indexes();
    batch = pipeline_->make(indexes, epoch_, std::move(batch));
    position_ += static_cast<std::int64_t>(indexes.size());
    make_ahead({});
  }
  return true;
}

void BatchSource::make_ahead(Batch spare) {
  if (!pipeline_->works_ahead() || position_ >= dataset().size()) return;
  ahead_ = std::async(std::launch::async, [pipeline = pipeline_, indexes = next_indexes(),
                                           epoch = epoch_, spare = std::move(spare)]() mutable {
    return pipeline->make(indexes, epoch, std::move(spare));
  });
}

std::int64_t BatchSource::batches() const {
  return (dataset().size() + options().batch_size - 1) / options().batch_size;
}

Value BatchSource::state_dict() const {
  return dict({{"seed", static_cast<std::int64_t>(options().seed)},
               {"epoch", epoch_},
               {"position", position_},
               {"size", dataset().size()},
               {"batch_size", options().batch_size}});
}

void BatchSource::load_state_dict(const Value& state) {
  namespace detail = batch_source_detail;
  detail::require_same(state, "seed", static_cast<std::int64_t>(options().seed));
  detail::require_same(state, "size", dataset().size());
  detail::require_same(state, "batch_size", options().batch_size);
  const std::int64_t epoch = state["epoch"].as_int();
  const std::int64_t position = state["position"].as_int();
  if (epoch < 0 || epoch > std::numeric_limits<int>::max() || position < 0 ||
      position > dataset().size()) {
    fail(ErrorCode::corrupt, "the saved position is epoch {}, image {} (expected at most image {})",
         epoch, position, dataset().size());
  }
  start_epoch(static_cast<int>(epoch));
  position_ = position;
}

}  // namespace torchkeep
