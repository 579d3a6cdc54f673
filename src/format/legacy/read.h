// Reads the files of torch.save before PyTorch 1.6: pickles that follow each other, then the bytes
// of the storages. The layout is in docs/format/pt-legacy.md.
#pragma once

#include "format/format.h"

namespace torchkeep::legacy {

// Also such a file as the only record of a zip archive, which torch.hub takes.
bool recognises(const Probe& probe);

// Throws corrupt, unsupported, unsafe, io.
Loaded read(const Probe& probe, const LoadOptions& options);

}  // namespace torchkeep::legacy
