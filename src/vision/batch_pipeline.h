// Making batches, by several threads.
#pragma once

#include <vector>

#include "vision/sample_writer.h"

namespace torchkeep {

// Everything about the batches of a BatchSource that never changes. Safe to use from several
// threads at once.
class BatchPipeline {
 public:
  // Throws invalid_argument as BatchSource.
  BatchPipeline(Dataset dataset, const BatchOptions& options);

  // The batch of these images in that epoch. The tensors of `spare` are written to if nothing else
  // holds them.
  Batch make(const std::vector<std::int64_t>& indexes, int epoch, Batch spare) const;

  // Whether it pays to make a batch while the one before is used.
  bool works_ahead() const { return threads_ > 0; }

  const Dataset& dataset() const { return samples_.dataset(); }
  const BatchOptions& options() const { return options_; }

 private:
  BatchOptions options_;
  SampleWriter samples_;
  int threads_;  // 0: only that of the caller
};

}  // namespace torchkeep
