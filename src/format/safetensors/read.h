// Reads safetensors files.
#pragma once

#include "format/format.h"

namespace torchkeep::safetensors {

bool recognises(const Probe& probe);

// A dict of tensors in the order of the header. What the file has in `__metadata__` is a dict under
// that name among the attributes of the dict, where Python ignores it.
// Throws corrupt, unsupported, unsafe, io.
Loaded read(const Probe& probe, const LoadOptions& options);

}  // namespace torchkeep::safetensors
