// A module's own table of parameters, where absent ones stand, too.
#pragma once

#include <string>

#include <torch/nn/module.h>

namespace torchkeep {

// The table that LibTorch keeps for containers of parameters. Undefined tensors are parameters that
// are None in Python.
inline torch::OrderedDict<std::string, at::Tensor>& parameters_of(torch::nn::Module& module) {
  struct ParameterTable : torch::nn::Module {
    static auto table() { return &ParameterTable::parameters_; }
  };
  return module.*ParameterTable::table();
}

inline const torch::OrderedDict<std::string, at::Tensor>& parameters_of(
    const torch::nn::Module& module) {
  return parameters_of(const_cast<torch::nn::Module&>(module));
}

}  // namespace torchkeep
