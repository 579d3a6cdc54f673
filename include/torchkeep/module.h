// state_dict and load_state_dict of a torch::nn::Module.
#pragma once

#include <filesystem>

#include <torchkeep/match.h>
#include <torchkeep/state_dict.h>

namespace torch::nn {
class Module;
}

namespace torchkeep {

// Parameters and buffers in Python's order and under Python's names, with `_metadata`. Nothing is
// copied: a step of the optimizer changes what the state dict shows. Tied parameters share their
// storage. Parameters that are frozen are noted in the metadata (`frozen`), which Python ignores.
StateDict state_dict(const torch::nn::Module& module);

struct LoadStateDictOptions {
  enum class Strictness {
    strict,    // any missing, unexpected or mismatched key is an error
    tolerant,  // loads what fits; a tensor of another shape is still an error, as in Python
    ignore_mismatched_sizes  // loads what fits and leaves out what does not
  };
  enum class Frozen {
    apply,  // parameters that the state dict notes as frozen are frozen, those of the same modules
            // that it does not note are unfrozen; a state dict without notes changes nothing
    keep    // requires_grad stays as it is
  };
  Strictness strictness = Strictness::strict;
  Frozen frozen = Frozen::apply;
};

// Copies the tensors into the module's parameters and buffers, converting between floating-point
// types and devices. Everything is checked first: after an error the module is as it was.
// Returns what was loaded and what was not. Throws MismatchError with the full report.
LoadReport load_state_dict(torch::nn::Module& module,
                           const StateDict& state_dict,
                           const LoadStateDictOptions& options = {});

// The same from a dict of tensors, such as `load(path)` or `checkpoint["model_state_dict"]`.
LoadReport load_state_dict(torch::nn::Module& module,
                           const Value& state_dict,
                           const LoadStateDictOptions& options = {});

// Name, type and shape of everything that state_dict() would hold.
std::vector<TensorForm> state_dict_form(const torch::nn::Module& module);

}  // namespace torchkeep
