// Weight and spectral normalisation: weights that are computed anew before each forward.
#pragma once

#include <torchkeep/module_tree.h>

#include "nn/layer.h"

namespace torchkeep {

// Makes the layer compute its weights as the hooks of torch.nn.utils.weight_norm and spectral_norm
// that the node holds would. Other hooks are functions of a Python program and are left out.
// Throws unsupported for a layer whose weights cannot be replaced.
void add_reparametrisations(const ModuleNode& node, Layer& layer);

// The hooks of a module with parameters `weight_g` and `weight_v`, or `weight_orig`: the inverse.
Dict reparametrisation_hooks(const torch::nn::Module& module);

}  // namespace torchkeep
