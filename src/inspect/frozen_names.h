// Which parameters a file says are frozen.
#pragma once

#include <string>
#include <vector>

#include <torchkeep/value.h>

namespace torchkeep::inspection {

// Their dotted names from the root, sorted, each once: from the `frozen` lists in the `_metadata`
// of state dicts, the `freeze_plan` of checkpoints and the `frozen` list of whole models.
std::vector<std::string> frozen_names(const Value& root);

}  // namespace torchkeep::inspection
