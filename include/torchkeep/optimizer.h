// State dicts of LibTorch's optimizers in the layout of Python's.
#pragma once

#include <torchkeep/value.h>

namespace torch::nn {
class Module;
}
namespace torch::optim {
class Optimizer;
}

namespace torchkeep {

// `{"state": {index: {...}}, "param_groups": [{lr, ..., "param_names", "params"}]}` for SGD, Adam,
// AdamW, RMSprop and Adagrad: Python's optimizer of the same class loads it and goes on with the
// same numbers. Parameters are named after `module`. Tensors are shared with the optimizer, not
// copied. Throws unsupported for other optimizers, invalid_argument for a parameter that the module
// does not have.
Value state_dict(const torch::optim::Optimizer& optimizer, const torch::nn::Module& module);

// Restores options of every group and the state of every parameter: matched by name where the file
// has names, by position otherwise (as Python does). The state is copied.
// Everything is checked first: after an error the optimizer is as it was.
// Throws mismatch for another class of optimizer, other groups, other names or shapes.
void load_state_dict(torch::optim::Optimizer& optimizer,
                     const torch::nn::Module& module,
                     const Value& state_dict);

}  // namespace torchkeep
