#include "nn/optimizer_parameters.h"

#include <torchkeep/tensor.h>

#include <torch/nn/module.h>

#include "base/fail.h"
#include "nn/module_walk.h"

namespace torchkeep {

ParameterNames::ParameterNames(const torch::nn::Module& module) {
  for (const NamedTensor& each : all_parameters(module)) {
    names_.try_emplace(each.tensor.unsafeGetTensorImpl(), each.name);
    parameters_.emplace(each.name, each.tensor);
  }
}

const std::string& ParameterNames::name_of(const at::Tensor& parameter, std::int64_t index) const {
  const auto found = names_.find(parameter.unsafeGetTensorImpl());
  if (found == names_.end()) {
    fail_at(ErrorCode::invalid_argument, {},
            "pass the module whose parameters the optimizer was made with",
            "parameter {} of the optimizer, of shape {}, is none of the module's", index,
            to_string(parameter.sizes().vec()));
  }
  return found->second;
}

at::Tensor ParameterNames::find(const std::string& name) const {
  const auto found = parameters_.find(name);
  return found == parameters_.end() ? at::Tensor() : found->second;
}

}  // namespace torchkeep
