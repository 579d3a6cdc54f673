#include "inspect/compare_elements.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "base/parallel.h"
#include "base/progress_counter.h"
#include "data/element.h"
#include "data/element_runs.h"
#include "inspect/number_difference.h"

namespace torchkeep::inspection {
namespace {

constexpr std::int64_t kChunk = 1 << 18;  // elements for one thread at a time

// A part of a pair.
struct Task {
  std::size_t pair = 0;
  std::int64_t begin = 0;
  std::int64_t count = 0;
};

// Packed types are compared by bytes: their tensors as tensors of bytes.
Tensor unpacked(const Tensor& tensor) {
  if (items_per_byte(tensor.dtype()) == 1) return tensor;
  const Tensor dense = tensor.is_contiguous() ? tensor : tensor.contiguous();
  const auto bytes = dense.bytes();
  Storage storage(const_cast<std::byte*>(bytes.data()), bytes.size(),
                  std::make_shared<Tensor>(dense));
  return Tensor(std::move(storage), DType::bits8, {static_cast<std::int64_t>(bytes.size())});
}

class Comparison {
 public:
  Comparison(std::span<const TensorPair> pairs, const DiffOptions& options)
      : tolerance_{options.rtol, options.atol}, threads_(effective_threads(options.threads)) {
    std::uint64_t bytes = 0;
    for (const TensorPair& pair : pairs) {
      sides_.emplace_back(unpacked(*pair.a), unpacked(*pair.b));
      bytes += pair.a->size_bytes() + pair.b->size_bytes();
    }
    progress_ = std::make_unique<ProgressCounter>(options.progress, bytes);
  }

  std::vector<ElementDiff> run() {
    find_identical();
    measure_others();
    std::vector<ElementDiff> results;
    for (std::size_t i = 0; i < sides_.size(); ++i) results.push_back(result(i));
    return results;
  }

 private:
  // What threads do one after the other, of the pairs that are chosen.
  template <class Chosen>
  std::vector<Task> tasks(Chosen chosen) const {
    std::vector<Task> tasks;
    for (std::size_t i = 0; i < sides_.size(); ++i) {
      if (!chosen(i)) continue;
      const std::int64_t elements = sides_[i].first.numel();
      for (std::int64_t begin = 0; begin < elements; begin += kChunk) {
        tasks.push_back({i, begin, std::min(kChunk, elements - begin)});
      }
    }
    return tasks;
  }

  void find_identical() {
    // Not a vector<bool>: its elements cannot be written by several threads.
    std::vector<std::atomic<bool>> differs(sides_.size());
    for (std::size_t i = 0; i < sides_.size(); ++i) {
      differs[i] = sides_[i].first.dtype() != sides_[i].second.dtype();
    }
    const std::vector<Task> all = tasks([](std::size_t) { return true; });
    parallel_for(all.size(), threads_, [&](std::size_t i) {
      const Task& task = all[i];
      if (!differs[task.pair] && !is_identical(task)) differs[task.pair] = true;
      const auto& [a, b] = sides_[task.pair];
      progress_->add(
          static_cast<std::uint64_t>(task.count * (item_bytes(a.dtype()) + item_bytes(b.dtype()))));
    });
    differs_.assign(differs.begin(), differs.end());
  }

  bool is_identical(const Task& task) const {
    const auto& [a, b] = sides_[task.pair];
    std::vector<std::byte> scratch_a;
    std::vector<std::byte> scratch_b;
    const auto bytes = static_cast<std::size_t>(task.count * item_bytes(a.dtype()));
    return std::memcmp(element::elements(a, task.begin, task.count, scratch_a),
                       element::elements(b, task.begin, task.count, scratch_b), bytes) == 0;
  }

  void measure_others() {
    const std::vector<Task> others = tasks([&](std::size_t i) { return differs_[i]; });
    std::vector<RunDifference> parts(others.size());
    parallel_for(others.size(), threads_, [&](std::size_t i) { parts[i] = measure(others[i]); });
    runs_.resize(sides_.size());
    for (std::size_t i = 0; i < others.size(); ++i) {
      runs_[others[i].pair].append(parts[i], others[i].begin);
    }
  }

  RunDifference measure(const Task& task) const {
    const auto& [a, b] = sides_[task.pair];
    std::vector<std::byte> scratch_a;
    std::vector<std::byte> scratch_b;
    const std::byte* bytes_a = element::elements(a, task.begin, task.count, scratch_a);
    const std::byte* bytes_b = element::elements(b, task.begin, task.count, scratch_b);
    const auto count = static_cast<std::size_t>(task.count);
    const auto type_a = number_type(a.dtype());
    const auto type_b = number_type(b.dtype());
    if (type_a && type_b) {
      return compare_numbers(bytes_a, *type_a, bytes_b, *type_b, count, tolerance_);
    }
    if (a.dtype() == b.dtype()) {
      return compare_bits(bytes_a, bytes_b, static_cast<std::size_t>(item_bytes(a.dtype())), count);
    }
    RunDifference run;  // nothing to compare them by
    run.different = task.count;
    run.first = 0;
    return run;
  }

  ElementDiff result(std::size_t pair) const {
    const Tensor& a = sides_[pair].first;
    ElementDiff diff{.elements = a.numel(), .bit_equal = a.numel()};
    if (!differs_[pair]) return diff;
    const RunDifference& run = runs_[pair];
    diff.bit_equal = run.bit_equal;
    diff.different = run.different;
    if (run.first) diff.first = index_of(*run.first, a.shape());
    if (number_type(a.dtype()) && number_type(sides_[pair].second.dtype())) {
      diff.numbers = numbers(run, pair);
    }
    return diff;
  }

  NumberDiff numbers(const RunDifference& run, std::size_t pair) const {
    NumberDiff result{.max_abs = run.max_abs, .nan_a = run.nan_a, .nan_b = run.nan_b};
    if (run.sum_dd > 0) {
      result.relative_l2 = run.sum_bb > 0 ? std::sqrt(run.sum_dd / run.sum_bb)
                                          : std::numeric_limits<double>::infinity();
    }
    if (run.sum_aa > 0 && run.sum_bb > 0) {
      result.cosine =
          std::clamp(run.sum_ab / (std::sqrt(run.sum_aa) * std::sqrt(run.sum_bb)), -1.0, 1.0);
    }
    if (run.first) {
      result.first_a = number_at(sides_[pair].first, *run.first);
      result.first_b = number_at(sides_[pair].second, *run.first);
    }
    return result;
  }

  static double number_at(const Tensor& tensor, std::int64_t index) {
    std::vector<std::byte> scratch;
    double number = 0;
    element::convert(element::elements(tensor, index, 1, scratch), *number_type(tensor.dtype()),
                     reinterpret_cast<std::byte*>(&number), DType::float64, 1);
    return number;
  }

  static Shape index_of(std::int64_t position, const Shape& shape) {
    Shape index(shape.size());
    for (std::size_t d = shape.size(); d-- > 0;) {
      index[d] = position % shape[d];
      position /= shape[d];
    }
    return index;
  }

  std::vector<std::pair<Tensor, Tensor>> sides_;
  Tolerance tolerance_;
  int threads_;
  std::unique_ptr<ProgressCounter> progress_;
  std::vector<char> differs_;
  std::vector<RunDifference> runs_;
};

}  // namespace

std::vector<ElementDiff> compare_elements(std::span<const TensorPair> pairs,
                                          const DiffOptions& options) {
  return Comparison(pairs, options).run();
}

}  // namespace torchkeep::inspection
