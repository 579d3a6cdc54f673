// Reading a safetensors file that ends too early.
#pragma once

#include <torchkeep/repair.h>

#include "format/format.h"
#include "inspect/restored.h"

namespace torchkeep::inspection {

// Takes the tensors that are there. Their bytes have no checksums.
Restored restore_safetensors(const Probe& probe, const RepairOptions& options);

}  // namespace torchkeep::inspection
