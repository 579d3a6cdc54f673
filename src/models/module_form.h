// The form of a module tree as plain values, for files that Python opens with weights_only=True.
#pragma once

#include <torchkeep/module_tree.h>

namespace torchkeep {

// A list of dicts, one for each module: class, attributes, children by number, and the types and
// shapes of its tensors.
Value form_of(const ModuleTree& tree);

// The inverse; the tensors are those of the state dict. Throws mismatch for a form that is none,
// and where a tensor is missing or has another shape or type.
ModuleTree tree_from_form(const Value& form, const StateDict& state_dict);

}  // namespace torchkeep
