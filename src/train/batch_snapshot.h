// What computing a batch changes before the optimizer steps, to be put back where that fails.
#pragma once

#include <vector>

#include <torchkeep/batch_source.h>
#include <torchkeep/model.h>
#include <torchkeep/tensor.h>

namespace torchkeep {

// The random state, the position in the data and the buffers of the model: batch norms count.
class BatchSnapshot {
 public:
  BatchSnapshot(const Model& model, BatchSource& batches);

  void take();
  void put_back();

 private:
  std::vector<at::Tensor> buffers_;  // the model's
  std::vector<at::Tensor> copies_;
  BatchSource& batches_;
  Value position_;
  Tensor random_state_;
};

}  // namespace torchkeep
