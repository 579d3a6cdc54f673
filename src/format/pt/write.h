// Writes the zip files of torch.save.
#pragma once

#include <filesystem>

#include <torchkeep/save.h>
#include <torchkeep/value.h>

#include "format/format.h"

namespace torchkeep::pt {

// As Format::write: the records that the options say, in the folder that they name.
void write(const Value& value,
           const std::filesystem::path& path,
           const SaveOptions& options,
           const Sink& sink);

}  // namespace torchkeep::pt
