// Reads NumPy's .npy and .npz files.
#pragma once

#include "format/format.h"

namespace torchkeep::npy {

bool recognises_npy(const Probe& probe);
// A zip archive of nothing but arrays.
bool recognises_npz(const Probe& probe);

// A tensor. Throws corrupt, unsupported, unsafe, io.
Loaded read_npy(const Probe& probe, const LoadOptions& options);

// A dict of tensors in the order of the archive; their names are those of the records without
// ".npy". Throws as read_npy(), with the record.
Loaded read_npz(const Probe& probe, const LoadOptions& options);

}  // namespace torchkeep::npy
