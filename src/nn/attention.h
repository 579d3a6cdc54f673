// torch.nn.MultiheadAttention with what LibTorch's class lacks.
#pragma once

#include <torch/nn/modules/activation.h>

namespace torchkeep {

class MultiheadAttentionTwin : public torch::nn::MultiheadAttentionImpl {
 public:
  MultiheadAttentionTwin(const torch::nn::MultiheadAttentionOptions& with, bool is_batch_first)
      : MultiheadAttentionImpl(with), is_batch_first_(is_batch_first) {}

  bool is_batch_first() const { return is_batch_first_; }

  // x attends to itself; [length, batch, features], or [batch, length, features].
  at::Tensor attend_to_itself(const at::Tensor& x);

 private:
  bool is_batch_first_;
};

}  // namespace torchkeep
