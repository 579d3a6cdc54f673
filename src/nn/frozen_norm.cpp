#include "nn/frozen_norm.h"

#include <algorithm>
#include <string>
#include <vector>

#include <torch/nn/module.h>

#include "nn/module_walk.h"

namespace torchkeep {

std::unordered_set<const torch::nn::Module*> frozen_batch_norms(const torch::nn::Module& module) {
  std::unordered_set<const torch::nn::Module*> frozen;
  for_each_module(module, [&](const std::string&, const torch::nn::Module& each) {
    if (!is_batch_norm(each)) return;
    const std::vector<at::Tensor> parameters = each.parameters(/*recurse=*/false);
    const bool any_trained =
        std::any_of(parameters.begin(), parameters.end(),
                    [](const at::Tensor& parameter) { return parameter.requires_grad(); });
    if (!parameters.empty() && !any_trained) frozen.insert(&each);
  });
  return frozen;
}

void hold_frozen_batch_norms(torch::nn::Module& module,
                             const std::unordered_set<const torch::nn::Module*>& frozen_before) {
  const auto frozen_now = frozen_batch_norms(module);
  const bool training = module.is_training();
  module.apply([&](torch::nn::Module& each) {
    if (frozen_now.contains(&each)) {
      each.eval();
    } else if (frozen_before.contains(&each)) {
      each.train(training);
    }
  });
}

}  // namespace torchkeep
