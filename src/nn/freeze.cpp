#include <unordered_set>

#include <torchkeep/freeze.h>

#include <fmt/format.h>
#include <torch/nn/module.h>

#include "base/glob.h"
#include "nn/frozen_modules.h"
#include "nn/module_walk.h"
#include "nn/parameter_globs.h"

namespace torchkeep {
namespace freeze_detail {

std::vector<std::string> set_trainable(torch::nn::Module& module,
                                       const std::vector<std::string>& globs,
                                       bool trainable) {
  const std::vector<NamedTensor> chosen = matching_parameters(module, globs);
  const auto frozen_before = frozen_modules(module);
  std::vector<std::string> names;
  for (const NamedTensor& parameter : chosen) {
    parameter.tensor.set_requires_grad(trainable);
    names.push_back(parameter.name);
  }
  hold_frozen_modules(module, frozen_before);
  return names;
}

}  // namespace freeze_detail

std::vector<std::string> freeze(torch::nn::Module& module, std::string_view glob) {
  return freeze(module, std::vector<std::string>{std::string(glob)});
}

std::vector<std::string> freeze(torch::nn::Module& module, const std::vector<std::string>& globs) {
  return freeze_detail::set_trainable(module, globs, false);
}

std::vector<std::string> unfreeze(torch::nn::Module& module, std::string_view glob) {
  return unfreeze(module, std::vector<std::string>{std::string(glob)});
}

std::vector<std::string> unfreeze(torch::nn::Module& module,
                                  const std::vector<std::string>& globs) {
  return freeze_detail::set_trainable(module, globs, true);
}

std::vector<std::string> frozen_parameters(const torch::nn::Module& module) {
  std::vector<std::string> names;
  for (const NamedTensor& parameter : all_parameters(module)) {
    if (!parameter.tensor.requires_grad()) names.push_back(parameter.name);
  }
  return names;
}

void set_frozen_parameters(torch::nn::Module& module, const std::vector<std::string>& names) {
  const std::vector<NamedTensor> parameters = all_parameters(module);
  std::unordered_set<std::string> wanted(names.begin(), names.end());
  // A tied parameter has several names; one of them is enough to freeze it.
  std::unordered_set<const void*> frozen;
  for (const NamedTensor& parameter : parameters) {
    if (wanted.erase(parameter.name) > 0) frozen.insert(parameter.tensor.unsafeGetTensorImpl());
  }
  for (const std::string& name : names) {
    if (!wanted.contains(name)) continue;
    fail_no_parameter(fmt::format("no parameter '{}'", name), parameters);
  }
  const auto frozen_before = frozen_modules(module);
  for (const NamedTensor& parameter : parameters) {
    const bool trainable = !frozen.contains(parameter.tensor.unsafeGetTensorImpl());
    if (parameter.tensor.requires_grad() != trainable) {
      parameter.tensor.set_requires_grad(trainable);
    }
  }
  hold_frozen_modules(module, frozen_before);
}

void train(torch::nn::Module& module) {
  module.train();
  hold_frozen_modules(module);
}

bool glob_matches(std::string_view glob, std::string_view name) { return matches_glob(glob, name); }

}  // namespace torchkeep
