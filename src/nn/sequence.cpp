#include "nn/sequence.h"

#include "base/fail.h"

namespace torchkeep {

at::Tensor Sequence::forward(const at::Tensor& x) const {
  at::Tensor result = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    if (layers_[i].gives_tuple && i + 1 < layers_.size()) {
      fail(ErrorCode::unsupported,
           "layer {} of a Sequential gives a tuple, which the next cannot take", i);
    }
    result = layers_[i](result);
  }
  return result;
}

Layer as_layer(const std::shared_ptr<Sequence>& sequence) {
  const bool gives_tuple = !sequence->layers().empty() && sequence->layers().back().gives_tuple;
  return {sequence, [sequence](const at::Tensor& x) { return sequence->forward(x); }, gives_tuple};
}

}  // namespace torchkeep
