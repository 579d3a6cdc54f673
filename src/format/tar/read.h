// Reads the files of torch.save before PyTorch 0.1.10: tar archives with pickles and storages. The
// layout is in docs/format/pt-tar.md.
#pragma once

#include "format/format.h"

namespace torchkeep::tar {

bool recognises(const Probe& probe);

// Throws corrupt, unsupported, unsafe, io.
Loaded read(const Probe& probe, const LoadOptions& options);

}  // namespace torchkeep::tar
