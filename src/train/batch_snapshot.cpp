#include "train/batch_snapshot.h"

#include <torchkeep/random_state.h>

#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>

namespace torchkeep {

BatchSnapshot::BatchSnapshot(const Model& model, BatchSource& batches)
    : buffers_(model->buffers()), batches_(batches) {
  for (const at::Tensor& buffer : buffers_) copies_.push_back(buffer.clone());
}

void BatchSnapshot::take() {
  const at::NoGradGuard no_gradients;
  for (std::size_t i = 0; i < buffers_.size(); ++i) copies_[i].copy_(buffers_[i]);
  position_ = batches_.state_dict();
  random_state_ = random_state();
}

void BatchSnapshot::put_back() {
  const at::NoGradGuard no_gradients;
  for (std::size_t i = 0; i < buffers_.size(); ++i) buffers_[i].copy_(copies_[i]);
  batches_.load_state_dict(position_);
  set_random_state(random_state_);
}

}  // namespace torchkeep
