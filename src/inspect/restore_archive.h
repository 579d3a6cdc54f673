// Reading a damaged zip archive of torch.save, TorchScript or C++.
#pragma once

#include <memory>

#include <torchkeep/repair.h>

#include "inspect/restored.h"
#include "io/input_file.h"

namespace torchkeep::inspection {

// Throws io; unsupported where nothing of such an archive is in the file.
Restored restore_archive(const io::InputFile& file, const RepairOptions& options);

}  // namespace torchkeep::inspection
