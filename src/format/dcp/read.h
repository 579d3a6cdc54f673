// Reads the directories of torch.distributed.checkpoint.
#pragma once

#include "format/format.h"

namespace torchkeep::dcp {

bool recognises(const Probe& probe);

// The state dict that was saved, whole, whatever the number of processes that wrote it.
// Throws corrupt, unsupported, unsafe, io, not_found for a data file that is missing.
Loaded read(const Probe& probe, const LoadOptions& options);

}  // namespace torchkeep::dcp
