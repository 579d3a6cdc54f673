// The parameters, buffers and modules of a module, under Python's names and in Python's order.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>

namespace torch::nn {
class Module;
}

namespace torchkeep {

struct NamedTensor {
  std::string name;  // the dotted path, "features.0.weight"
  at::Tensor tensor;
  enum class Role { parameter, buffer } role = Role::parameter;
};

// Calls `visit` for the module itself with the path "", then for each child and what is below it,
// in the order of registration.
void for_each_module(
    const torch::nn::Module& module,
    const std::function<void(const std::string& path, const torch::nn::Module&)>& visit);

// The module's own parameters, then its own buffers; undefined ones are left out.
std::vector<NamedTensor> own_tensors(const torch::nn::Module& module, const std::string& path);

// own_tensors() of each module, as for_each_module() visits them.
std::vector<NamedTensor> all_tensors(const torch::nn::Module& module);

// The parameters among all_tensors().
std::vector<NamedTensor> all_parameters(const torch::nn::Module& module);

// "features.0" and "weight" make "features.0.weight"; an empty path adds nothing.
std::string join_path(const std::string& path, const std::string& name);

// A module whose class in Python has a version of its own for state dicts.
class HasStateDictVersion {
 public:
  virtual ~HasStateDictVersion() = default;
  virtual std::int64_t state_dict_version() const = 0;
};

// The version that Python's class of the same name writes into `_metadata`: 2 for batch and
// instance norms, which since then have `num_batches_tracked`; 1 for the others that have none of
// their own.
std::int64_t state_dict_version(const torch::nn::Module& module);

}  // namespace torchkeep
