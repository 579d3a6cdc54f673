// The names of the parameters that an optimizer changes.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>

namespace torch::nn {
class Module;
}

namespace torchkeep {

class ParameterNames {
 public:
  explicit ParameterNames(const torch::nn::Module& module);

  // The first name of a tied parameter, as Python's named_parameters(). `index` is the position in
  // the optimizer, for the message. Throws invalid_argument for a parameter of another module.
  const std::string& name_of(const at::Tensor& parameter, std::int64_t index) const;

  // The parameter with that name, which may be any of a tied one's; undefined if there is none.
  at::Tensor find(const std::string& name) const;

 private:
  std::unordered_map<const void*, std::string> names_;
  std::unordered_map<std::string, at::Tensor> parameters_;
};

}  // namespace torchkeep
