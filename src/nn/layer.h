// A module that can be called, whatever its class.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>

namespace torch::nn {
class Module;
}

namespace torchkeep {

struct Layer {
  using Forward = std::function<at::Tensor(const at::Tensor&)>;
  struct Member {
    std::string_view name;
    at::Tensor* tensor;  // in the module
  };

  std::shared_ptr<torch::nn::Module> module;
  // Empty for a class that does not take one tensor. Of a class that gives a tuple, its first part.
  Forward forward = {};
  bool gives_tuple = false;
  std::vector<Member> members = {};  // what the forward computes with, by the parameter's name

  // Throws unsupported, naming the class, where there is no forward.
  at::Tensor operator()(const at::Tensor& x) const;
};

}  // namespace torchkeep
