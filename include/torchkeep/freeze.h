// Freezing: parameters that get no gradient and that the optimizer does not touch.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace torch::nn {
class Module;
}

namespace torchkeep {

// Sets requires_grad of every parameter whose dotted name matches one of the globs: "features.*",
// "*.bias", "*" ("*" also spans dots, "?" is one character, "[ab]" one of them). Returns the
// names that matched. Throws not_found, with the parameters' names, for a glob that matches
// nothing. A batch norm whose parameters are all frozen stays in evaluation mode, so that its
// running statistics do not move: call train(module) below instead of module.train().
std::vector<std::string> freeze(torch::nn::Module& module, std::string_view glob);
std::vector<std::string> freeze(torch::nn::Module& module, const std::vector<std::string>& globs);
std::vector<std::string> unfreeze(torch::nn::Module& module, std::string_view glob);
std::vector<std::string> unfreeze(torch::nn::Module& module, const std::vector<std::string>& globs);

// The names of the frozen parameters, in the module's order.
std::vector<std::string> frozen_parameters(const torch::nn::Module& module);

// Freezes exactly these parameters and unfreezes all others. Throws not_found for an unknown name.
void set_frozen_parameters(torch::nn::Module& module, const std::vector<std::string>& names);

// module.train(), except that frozen batch norms stay in evaluation mode.
void train(torch::nn::Module& module);

// "*", "?" and "[...]" as in a shell, over the whole name.
bool glob_matches(std::string_view glob, std::string_view name);

}  // namespace torchkeep
