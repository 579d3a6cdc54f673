// Reading a damaged zip archive of torch.save, TorchScript or C++.
#pragma once

#include <torchkeep/repair.h>

#include "format/format.h"
#include "inspect/restored.h"

namespace torchkeep::inspection {

// Throws io; unsupported where nothing of such an archive is in the file.
Restored restore_archive(const Probe& probe, const RepairOptions& options);

}  // namespace torchkeep::inspection
