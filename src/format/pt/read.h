// Reads the zip files of torch.save.
#pragma once

#include "format/format.h"

namespace torchkeep::pt {

bool recognises(const Probe& probe);

// Throws corrupt, unsupported, unsafe, io.
Loaded read(const Probe& probe, const LoadOptions& options);
// The same from an archive that lies anywhere.
Loaded read(const zip::Reader& reader, const LoadOptions& options);

}  // namespace torchkeep::pt
