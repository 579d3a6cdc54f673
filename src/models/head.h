// The last linear layer of a classifier.
#pragma once

#include <memory>

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>

namespace torchkeep {

// The last Linear in the order of the modules; null if there is none.
std::shared_ptr<torch::nn::LinearImpl> find_head(const torch::nn::Module& module);

}  // namespace torchkeep
