#include "nn/frozen_modules.h"

#include <algorithm>
#include <string>
#include <vector>

#include <torch/nn/module.h>

#include "nn/module_walk.h"

namespace torchkeep {

std::unordered_set<const torch::nn::Module*> frozen_modules(const torch::nn::Module& module) {
  std::unordered_set<const torch::nn::Module*> frozen;
  for_each_module(module, [&](const std::string&, const torch::nn::Module& each) {
    if (&each == &module && !each.children().empty()) return;
    const std::vector<at::Tensor> parameters = each.parameters();
    const bool any_trained =
        std::any_of(parameters.begin(), parameters.end(),
                    [](const at::Tensor& parameter) { return parameter.requires_grad(); });
    if (!parameters.empty() && !any_trained) frozen.insert(&each);
  });
  return frozen;
}

void hold_frozen_modules(torch::nn::Module& module,
                         const std::unordered_set<const torch::nn::Module*>& frozen_before) {
  const auto frozen_now = frozen_modules(module);
  const bool training = module.is_training();
  // With all that is below them: first what is released, then what is held.
  module.apply([&](torch::nn::Module& each) {
    if (frozen_before.contains(&each) && !frozen_now.contains(&each)) each.train(training);
  });
  module.apply([&](torch::nn::Module& each) {
    if (frozen_now.contains(&each)) each.eval();
  });
}

}  // namespace torchkeep
