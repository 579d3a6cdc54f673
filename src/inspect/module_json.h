// Module trees as JSON.
#pragma once

#include <torchkeep/module_tree.h>

#include "inspect/json_value.h"

namespace torchkeep::inspection {

// An array with an object for each path, as to_json(Summary) describes it.
Json json_of(const ModuleTree& tree);

}  // namespace torchkeep::inspection
