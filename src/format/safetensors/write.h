// Writes safetensors files.
#pragma once

#include "format/format.h"

namespace torchkeep::safetensors {

// As Format::write: to the byte what the format's own writer makes of the same tensors.
void write(const Value& value,
           const std::filesystem::path& path,
           const SaveOptions& options,
           const Sink& sink);

}  // namespace torchkeep::safetensors
