// The mean of tensors, element by element.
#pragma once

#include <span>
#include <vector>

#include <torchkeep/progress.h>
#include <torchkeep/tensor.h>

namespace torchkeep::inspection {

// A tensor to fill and those whose mean it gets: of its shape, each of a type with numbers.
struct MeanTask {
  Tensor result;
  std::vector<Tensor> sources;
};

// Fills all results, which may share memory. `weights` is empty or has one for each source.
void fill_means(std::span<const MeanTask> tasks,
                const std::vector<double>& weights,
                int threads,
                const ProgressFunction& progress);

}  // namespace torchkeep::inspection
