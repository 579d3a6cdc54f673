// Files of pretrained weights.
#pragma once

#include <filesystem>
#include <optional>

#include <torchkeep/state_dict.h>
#include <torchkeep/value.h>

namespace torch::nn {
class Module;
}

namespace torchkeep {

// The state dict in what a file of weights holds: the value itself, what is below `state_dict`,
// `model_state_dict` or `model`, or that of a whole model; without the prefixes that wrappers such
// as DataParallel add to every name. Nothing if there is none.
std::optional<StateDict> find_state_dict(const Value& value);

// Loads a file of weights, strictly. Throws as load() and load_state_dict().
void load_weights(torch::nn::Module& module, const std::filesystem::path& path);

}  // namespace torchkeep
