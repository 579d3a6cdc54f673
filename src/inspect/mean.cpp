#include "inspect/mean.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "base/parallel.h"
#include "base/progress_counter.h"
#include "data/element.h"
#include "data/element_runs.h"

namespace torchkeep::inspection {
namespace {

constexpr std::int64_t kChunk = 1 << 14;  // elements for one thread at a time

struct Chunk {
  const MeanTask* task = nullptr;
  std::int64_t begin = 0;
  std::int64_t count = 0;
};

// Complex elements count as two numbers.
DType wide_type(const Tensor& tensor) {
  return is_complex(tensor.dtype()) ? DType::complex128 : DType::float64;
}

class Mean {
 public:
  Mean(const std::vector<double>& weights, std::size_t sources)
      : weights_(weights),
        divisor_(weights.empty() ? static_cast<double>(sources)
                                 : std::accumulate(weights.begin(), weights.end(), 0.0)) {}

  void fill(const Chunk& chunk) const {
    const Tensor& result = chunk.task->result;
    const DType wide = wide_type(result);
    const auto count = static_cast<std::size_t>(chunk.count);
    const std::size_t numbers = is_complex(wide) ? 2 * count : count;
    std::vector<double> sum(numbers, 0.0);
    std::vector<double> source(numbers);
    std::vector<std::byte> scratch;
    for (std::size_t i = 0; i < chunk.task->sources.size(); ++i) {
      const Tensor& tensor = chunk.task->sources[i];
      element::convert(element::elements(tensor, chunk.begin, chunk.count, scratch), tensor.dtype(),
                       reinterpret_cast<std::byte*>(source.data()), wide, count);
      add(source, i, sum);
    }
    for (double& number : sum) number /= divisor_;
    scratch.resize(count * static_cast<std::size_t>(item_bytes(result.dtype())));
    element::convert(reinterpret_cast<const std::byte*>(sum.data()), wide, scratch.data(),
                     result.dtype(), count);
    element::write_elements(result, chunk.begin, chunk.count, scratch.data());
  }

 private:
  void add(const std::vector<double>& source, std::size_t number, std::vector<double>& sum) const {
    if (weights_.empty()) {
      for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += source[k];
    } else {
      for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += weights_[number] * source[k];
    }
  }

  const std::vector<double>& weights_;
  double divisor_;
};

void add_chunks(const MeanTask& task, std::vector<Chunk>& chunks) {
  const std::int64_t elements = task.result.numel();
  for (std::int64_t begin = 0; begin < elements; begin += kChunk) {
    chunks.push_back({&task, begin, std::min(kChunk, elements - begin)});
  }
}

}  // namespace

void fill_means(std::span<const MeanTask> tasks,
                const std::vector<double>& weights,
                int threads,
                const ProgressFunction& progress) {
  if (tasks.empty()) return;
  std::unordered_map<const std::byte*, int> users;  // of each storage
  std::uint64_t bytes = 0;
  for (const MeanTask& task : tasks) {
    ++users[task.result.storage().bytes().data()];
    bytes += task.result.size_bytes();
  }
  // No two threads may write to one place: what could overlap is done by one.
  std::vector<Chunk> apart;
  std::vector<Chunk> overlapping;
  for (const MeanTask& task : tasks) {
    const bool is_alone = users[task.result.storage().bytes().data()] == 1;
    add_chunks(task, is_alone && task.result.is_contiguous() ? apart : overlapping);
  }
  const Mean mean(weights, tasks.front().sources.size());
  ProgressCounter counter(progress, bytes);
  const auto fill = [&](const Chunk& chunk) {
    mean.fill(chunk);
    counter.add(static_cast<std::uint64_t>(chunk.count * item_bytes(chunk.task->result.dtype())));
  };
  parallel_for(apart.size(), threads, [&](std::size_t i) { fill(apart[i]); });
  for (const Chunk& chunk : overlapping) fill(chunk);
}

}  // namespace torchkeep::inspection
