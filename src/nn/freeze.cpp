#include <algorithm>
#include <set>
#include <unordered_set>

#include <torchkeep/freeze.h>

#include <fmt/format.h>
#include <torch/nn/module.h>

#include "base/fail.h"
#include "base/glob.h"
#include "nn/frozen_norm.h"
#include "nn/module_walk.h"

namespace torchkeep {
namespace freeze_detail {

constexpr std::size_t kMaxNamesInMessage = 20;

std::string list_names(const std::vector<NamedTensor>& parameters) {
  std::string text;
  for (std::size_t i = 0; i < std::min(parameters.size(), kMaxNamesInMessage); ++i) {
    text += (i == 0 ? "" : ", ") + parameters[i].name;
  }
  if (parameters.size() > kMaxNamesInMessage) {
    text += fmt::format(" and {} more", parameters.size() - kMaxNamesInMessage);
  }
  return text;
}

[[noreturn]] void fail_not_found(const std::string& what,
                                 const std::vector<NamedTensor>& parameters) {
  fail_at(ErrorCode::not_found, {},
          parameters.empty() ? "the module has no parameters"
                             : "the parameters are " + list_names(parameters),
          "{}", what);
}

// The parameters that any of the globs matches, in the module's order.
std::vector<NamedTensor> matching(const torch::nn::Module& module,
                                  const std::vector<std::string>& globs) {
  const std::vector<NamedTensor> parameters = all_parameters(module);
  std::set<std::size_t> chosen;
  for (const std::string& glob : globs) {
    bool found = false;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (!glob_matches(glob, parameters[i].name)) continue;
      found = true;
      chosen.insert(i);
    }
    if (!found) fail_not_found(fmt::format("no parameter matches '{}'", glob), parameters);
  }
  std::vector<NamedTensor> result;
  for (const std::size_t i : chosen) result.push_back(parameters[i]);
  return result;
}

std::vector<std::string> set_trainable(torch::nn::Module& module,
                                       const std::vector<std::string>& globs,
                                       bool trainable) {
  const std::vector<NamedTensor> chosen = matching(module, globs);
  const auto frozen_before = frozen_batch_norms(module);
  std::vector<std::string> names;
  for (const NamedTensor& parameter : chosen) {
    parameter.tensor.set_requires_grad(trainable);
    names.push_back(parameter.name);
  }
  hold_frozen_batch_norms(module, frozen_before);
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
    freeze_detail::fail_not_found(fmt::format("no parameter '{}'", name), parameters);
  }
  const auto frozen_before = frozen_batch_norms(module);
  for (const NamedTensor& parameter : parameters) {
    const bool trainable = !frozen.contains(parameter.tensor.unsafeGetTensorImpl());
    if (parameter.tensor.requires_grad() != trainable) {
      parameter.tensor.set_requires_grad(trainable);
    }
  }
  hold_frozen_batch_norms(module, frozen_before);
}

void train(torch::nn::Module& module) {
  module.train();
  hold_frozen_batch_norms(module);
}

bool glob_matches(std::string_view glob, std::string_view name) {
  return matches_glob(glob, name);
}

}  // namespace torchkeep
