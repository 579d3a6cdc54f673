// Writes the files of torch.save before PyTorch 1.6, as later ones write them with
// _use_new_zipfile_serialization=False.
#pragma once

#include <filesystem>

#include "format/format.h"

namespace torchkeep::legacy {

// As Format::write. The keys of the storages, which are addresses in Python, are 0, 1, 2, ... in
// the order in which the object refers to them.
void write(const Value& value,
           const std::filesystem::path& path,
           const SaveOptions& options,
           const Sink& sink);

}  // namespace torchkeep::legacy
