// Choosing and renaming the tensors of a state dict.
#pragma once

#include <torchkeep/convert_file.h>
#include <torchkeep/state_dict.h>

namespace torchkeep::inspection {

bool has_name_edits(const ConvertOptions& options);

// The state dict with the edits of the options. `_metadata` follows: a module's entry goes where
// its tensors go, and is dropped where none is left. Throws not_found for an edit that finds
// nothing and invalid_argument for two tensors of one name.
StateDict edit_names(const StateDict& state_dict, const ConvertOptions& options);

}  // namespace torchkeep::inspection
