#include "nn/module_walk.h"

#include <torch/nn/functional/instancenorm.h>  // before its module, which lacks it
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/instancenorm.h>

namespace torchkeep {
namespace module_walk_detail {

void visit_below(
    const torch::nn::Module& module,
    const std::string& path,
    const std::function<void(const std::string& path, const torch::nn::Module&)>& visit) {
  visit(path, module);
  for (const auto& child : module.named_children()) {
    if (child.value()) visit_below(*child.value(), join_path(path, child.key()), visit);
  }
}

template <class... Classes>
bool is_any_of(const torch::nn::Module& module) {
  return ((dynamic_cast<const Classes*>(&module) != nullptr) || ...);
}

}  // namespace module_walk_detail

void for_each_module(
    const torch::nn::Module& module,
    const std::function<void(const std::string& path, const torch::nn::Module&)>& visit) {
  module_walk_detail::visit_below(module, "", visit);
}

std::vector<NamedTensor> own_tensors(const torch::nn::Module& module, const std::string& path) {
  std::vector<NamedTensor> tensors;
  for (const auto& parameter : module.named_parameters(/*recurse=*/false)) {
    if (!parameter.value().defined()) continue;
    tensors.push_back(
        {join_path(path, parameter.key()), parameter.value(), NamedTensor::Role::parameter});
  }
  for (const auto& buffer : module.named_buffers(/*recurse=*/false)) {
    if (!buffer.value().defined()) continue;
    tensors.push_back({join_path(path, buffer.key()), buffer.value(), NamedTensor::Role::buffer});
  }
  return tensors;
}

std::vector<NamedTensor> all_tensors(const torch::nn::Module& module) {
  std::vector<NamedTensor> tensors;
  for_each_module(module, [&](const std::string& path, const torch::nn::Module& each) {
    for (NamedTensor& tensor : own_tensors(each, path)) tensors.push_back(std::move(tensor));
  });
  return tensors;
}

std::vector<NamedTensor> all_parameters(const torch::nn::Module& module) {
  std::vector<NamedTensor> tensors = all_tensors(module);
  std::erase_if(tensors, [](const NamedTensor& tensor) {
    return tensor.role != NamedTensor::Role::parameter;
  });
  return tensors;
}

std::string join_path(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

std::int64_t state_dict_version(const torch::nn::Module& module) {
  if (const auto* own = dynamic_cast<const HasStateDictVersion*>(&module)) {
    return own->state_dict_version();
  }
  const bool is_norm =
      module_walk_detail::is_any_of<torch::nn::BatchNorm1dImpl, torch::nn::BatchNorm2dImpl,
                                    torch::nn::BatchNorm3dImpl, torch::nn::InstanceNorm1dImpl,
                                    torch::nn::InstanceNorm2dImpl, torch::nn::InstanceNorm3dImpl>(
          module);
  return is_norm ? 2 : 1;
}

}  // namespace torchkeep
