// Recipes for training a pretrained model further: what is frozen at first, what is unfrozen when,
// and which part learns how fast.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/freeze.h>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>

namespace torchkeep {

enum class Recipe {
  head,           // only the last stage is trained
  head_then_all,  // and after `head_epochs` everything
  gradual         // and after each further `head_epochs` the stage before
};
std::string_view name(Recipe recipe);  // "head", "head-then-all", "gradual"

struct FineTuneOptions {
  Recipe recipe = Recipe::head_then_all;
  int head_epochs = 1;
  double backbone_lr_factor = 0.1;  // the rate of everything before the last stage
  double layer_decay = 1.0;         // and that of each stage, times this for each stage behind it
};

// Parameters that learn at one rate: `lr_factor` times that of the optimizer.
struct ParameterGroup {
  std::string name;  // of the stage
  std::vector<at::Tensor> parameters;
  double lr_factor = 1.0;
};

struct FineTunePlan {
  std::vector<std::string> frozen;     // for set_frozen_parameters()
  std::vector<UnfreezeStep> unfreeze;  // for TrainerOptions
  // For the optimizer: everything that is ever trained, the last stage first. Parameters that are
  // still frozen have no gradient, so that an optimizer leaves them alone.
  std::vector<ParameterGroup> groups;
};

// The same for the same module, whatever is frozen in it now; nothing is changed. For the stages
// see stages(). Throws invalid_argument for options out of range and a module without parameters.
FineTunePlan fine_tune(const torch::nn::Module& module, const FineTuneOptions& options = {});

struct ParameterGroupOptions {
  std::vector<UnfreezeStep> unfreeze = {};  // what becomes trainable later is part of the groups
  double backbone_lr_factor = 1.0;
  double layer_decay = 1.0;
};
// A group for each stage with parameters that are trainable now or will be; one group of all in the
// module's order if all rates are the same. Throws invalid_argument where there is nothing to
// train, not_found for globs that match nothing.
std::vector<ParameterGroup> parameter_groups(const torch::nn::Module& module,
                                             const ParameterGroupOptions& options = {});

}  // namespace torchkeep
