// Freezing: parameters that get no gradient and that the optimizer does not touch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace torch::nn {
class Module;
}

namespace torchkeep {

// Sets requires_grad of every parameter whose dotted name matches one of the globs: "features.*",
// "*.bias", "*" ("*" also spans dots, "?" is one character, "[ab]" one of them); the path of a
// module, "layer1", stands for what is below it. Returns the names that matched. Throws not_found,
// with the parameters' names, for a glob that matches nothing. A module whose parameters are all
// frozen stays in evaluation mode, so that the running statistics in it do not move and nothing in
// it is random, such as dropout: call train(module) below instead of module.train().
std::vector<std::string> freeze(torch::nn::Module& module, std::string_view glob);
std::vector<std::string> freeze(torch::nn::Module& module, const std::vector<std::string>& globs);
std::vector<std::string> unfreeze(torch::nn::Module& module, std::string_view glob);
std::vector<std::string> unfreeze(torch::nn::Module& module, const std::vector<std::string>& globs);

// A part of a model that is frozen or trained as one: a module, and the norm behind it.
struct Stage {
  std::string name;                     // the dotted path of the module
  std::vector<std::string> parameters;  // their names
};
// The stages in the order of registration: the modules right below `module` that have parameters;
// of fewer than four those below them, such as the blocks in a `features`. Parameters of `module`
// itself belong to the first.
std::vector<Stage> stages(const torch::nn::Module& module);

// Freezes the first `count` stages and unfreezes the others; -1 freezes all but the last, and so
// on. Returns the names of what is frozen. Throws invalid_argument for more stages than there are.
std::vector<std::string> freeze_to(torch::nn::Module& module, std::int64_t count);

// What becomes trainable during a training.
struct UnfreezeStep {
  int epoch = 0;                   // before it begins, counted from 0
  std::vector<std::string> globs;  // as unfreeze() takes them
};

// The names of the frozen parameters, in the module's order.
std::vector<std::string> frozen_parameters(const torch::nn::Module& module);

// Freezes exactly these parameters and unfreezes all others. Throws not_found for an unknown name.
void set_frozen_parameters(torch::nn::Module& module, const std::vector<std::string>& names);

// module.train(), except that modules that are frozen as a whole stay in evaluation mode.
void train(torch::nn::Module& module);

// "*", "?" and "[...]" as in a shell, over the whole name.
bool glob_matches(std::string_view glob, std::string_view name);

}  // namespace torchkeep
