// Reading a damaged file of torch.save before PyTorch 1.6.
#pragma once

#include <torchkeep/repair.h>

#include "format/format.h"
#include "inspect/restored.h"

namespace torchkeep::inspection {

// Takes the storages that are there. Their bytes have no checksums.
Restored restore_legacy(const Probe& probe, const RepairOptions& options);

}  // namespace torchkeep::inspection
