// Models whose leading layers are frozen: these run without gradients, compiled for inference.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <torchkeep/model.h>
#include <torchkeep/tensor.h>

namespace torchkeep {

struct FrozenBackboneOptions {
  enum class Kernels {
    exact,    // the operations of the model: results are equal to the bit
    compiled  // batch norms folded into convolutions, memory laid out for them: features are equal
              // to a few 1e-6 of their norm
  };
  Kernels kernels = Kernels::compiled;
  enum class Precision { float32, bfloat16 };
  Precision precision = Precision::float32;  // of compiled kernels
};

// Cuts a model before the first operation that depends on a trained parameter, is random or uses
// statistics of the batch; in evaluation at the same place. No help of the model is needed: its
// operations are recorded while it computes random images, and compared with the model before they
// are used. They are recorded again when the parameters, the frozen set or the training flags
// change. A model that cannot be cut runs as it is. Autocast concerns the rest, not the frozen
// part. Not synchronised.
class FrozenBackbone {
 public:
  explicit FrozenBackbone(Model model, FrozenBackboneOptions options = {});
  ~FrozenBackbone();
  FrozenBackbone(FrozenBackbone&&) noexcept;
  FrozenBackbone& operator=(FrozenBackbone&&) noexcept;

  // model.forward(images), with gradients for what is trained. Images that want gradients go
  // through the model as it is.
  at::Tensor forward(const at::Tensor& images);

  // What the frozen part gives to the rest, a row for each image; without gradients. Throws
  // unsupported for a model that cannot be cut for images of this shape.
  std::vector<at::Tensor> features(const at::Tensor& images);
  // The output for images of that shape with these features, which may be overwritten. Throws as
  // above.
  at::Tensor forward_features(const std::vector<at::Tensor>& features, const Shape& images);

  struct Cut {
    std::string problem;  // why the model cannot be cut; empty if it can
    std::size_t frozen_operations = 0;
    std::size_t operations = 0;  // in all
    std::size_t folded_batch_norms = 0;
    std::string kernels;  // "exact", "oneDNN" or "channels_last"
  };
  // For images of that shape and the mode (training or evaluation) that the model is in.
  Cut cut(const Shape& images);

 private:
  class Plans;
  std::unique_ptr<Plans> plans_;
};

// "60 of 66 operations are frozen and run without gradients (oneDNN, 20 batch norms folded)"
std::string to_string(const FrozenBackbone::Cut& cut);

}  // namespace torchkeep
