// The proof that nothing frozen moved.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>

namespace torch::nn {
class Module;
}

namespace torchkeep {

// Checksums of the frozen parameters of a module and of the buffers of what is frozen as a whole.
// Keeps the tensors, not the module.
class FrozenDigest {
 public:
  explicit FrozenDigest(const torch::nn::Module& module);

  // Throws mismatch, naming what has other bytes than when this was made.
  void check() const;

  // Of the names and bytes, in hexadecimal.
  std::string sha256() const;

 private:
  struct Entry {
    std::string name;
    at::Tensor tensor;
    std::uint32_t checksum;
  };
  std::vector<Entry> entries_;
};

}  // namespace torchkeep
