#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_set>

#include <torchkeep/fine_tune.h>

#include <torch/nn/module.h>

#include "base/fail.h"
#include "nn/module_walk.h"
#include "nn/parameter_globs.h"

namespace torchkeep {
namespace fine_tune_detail {

void check_factor(const char* what, double factor) {
  if (std::isfinite(factor) && factor > 0.0) return;
  fail(ErrorCode::invalid_argument, "{} is {} (expected more than 0)", what, factor);
}

void check(const FineTuneOptions& options) {
  check_factor("the factor of the backbone's rate", options.backbone_lr_factor);
  check_factor("the decay of the rates", options.layer_decay);
  if (options.head_epochs < 1) {
    fail(ErrorCode::invalid_argument,
         "the head is trained alone for {} epochs (expected at least 1)", options.head_epochs);
  }
}

using Names = std::unordered_set<std::string>;

// From the last stage to the first, with those parameters that are among the names.
std::vector<ParameterGroup> groups_of(const torch::nn::Module& module,
                                      const Names& trained,
                                      double backbone_lr_factor,
                                      double layer_decay) {
  const auto parameters = module.named_parameters();
  std::vector<Stage> all = stages(module);
  std::ranges::reverse(all);
  std::vector<ParameterGroup> groups;
  double factor = 1.0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0) factor *= layer_decay * (i == 1 ? backbone_lr_factor : 1.0);
    ParameterGroup group{.name = all[i].name, .parameters = {}, .lr_factor = factor};
    for (const std::string& name : all[i].parameters) {
      if (trained.contains(name)) group.parameters.push_back(parameters[name]);
    }
    if (!group.parameters.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

// What comes before the last stage, from the back.
std::vector<UnfreezeStep> steps_of(const std::vector<Stage>& all, const FineTuneOptions& options) {
  std::vector<UnfreezeStep> steps;
  if (options.recipe == Recipe::head_then_all) steps.push_back({options.head_epochs, {"*"}});
  if (options.recipe == Recipe::gradual) {
    for (std::size_t i = 1; i < all.size(); ++i) {
      const auto& parameters = all[all.size() - 1 - i].parameters;
      steps.push_back({options.head_epochs * static_cast<int>(i), parameters});
    }
  }
  return steps;
}

}  // namespace fine_tune_detail

std::string_view name(Recipe recipe) {
  constexpr std::array<std::string_view, 3> kNames = {"head", "head-then-all", "gradual"};
  return kNames.at(static_cast<std::size_t>(recipe));
}

FineTunePlan fine_tune(const torch::nn::Module& module, const FineTuneOptions& options) {
  namespace detail = fine_tune_detail;
  detail::check(options);
  const std::vector<Stage> all = stages(module);
  if (all.empty()) fail(ErrorCode::invalid_argument, "the module has no parameters to train");
  FineTunePlan plan;
  detail::Names trained(all.back().parameters.begin(), all.back().parameters.end());
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    const auto& parameters = all[i].parameters;
    plan.frozen.insert(plan.frozen.end(), parameters.begin(), parameters.end());
    if (options.recipe != Recipe::head) trained.insert(parameters.begin(), parameters.end());
  }
  plan.unfreeze = detail::steps_of(all, options);
  plan.groups = detail::groups_of(module, trained, options.backbone_lr_factor, options.layer_decay);
  return plan;
}

std::vector<ParameterGroup> parameter_groups(const torch::nn::Module& module,
                                             const ParameterGroupOptions& options) {
  namespace detail = fine_tune_detail;
  detail::check_factor("the factor of the backbone's rate", options.backbone_lr_factor);
  detail::check_factor("the decay of the rates", options.layer_decay);
  detail::Names trained;
  for (const UnfreezeStep& step : options.unfreeze) {
    for (const NamedTensor& each : matching_parameters(module, step.globs)) {
      trained.insert(each.name);
    }
  }
  ParameterGroup one{.name = "all", .parameters = {}, .lr_factor = 1.0};
  for (const auto& each : module.named_parameters()) {
    if (each.value().requires_grad()) trained.insert(each.key());
    if (trained.contains(each.key())) one.parameters.push_back(each.value());
  }
  if (one.parameters.empty()) {
    fail(ErrorCode::invalid_argument,
         "all parameters of the model are frozen; nothing can be trained");
  }
  if (options.backbone_lr_factor == 1.0 && options.layer_decay == 1.0) return {std::move(one)};
  return detail::groups_of(module, trained, options.backbone_lr_factor, options.layer_decay);
}

}  // namespace torchkeep
