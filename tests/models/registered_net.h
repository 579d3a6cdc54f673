// A user's class, registered as "registered_net": a hidden layer of configured width, a batch norm,
// and one tensor under two names.
#pragma once

#include <cstdint>

#include <torchkeep/model.h>

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

namespace torchkeep::testing {

class RegisteredNetImpl : public torch::nn::Module {
 public:
  explicit RegisteredNetImpl(std::int64_t hidden);
  at::Tensor forward(const at::Tensor& x);  // [n, 4] -> [n, 3]

  std::int64_t hidden;
  torch::nn::Linear input{nullptr};
  torch::nn::BatchNorm1d norm{nullptr};
  torch::nn::Linear output{nullptr};
};
TORCH_MODULE(RegisteredNet);

// Registers the class at the first call.
void register_registered_net();

}  // namespace torchkeep::testing
