// Writes the zip files of torch.save.
#pragma once

#include <filesystem>
#include <string>

#include <torchkeep/save.h>
#include <torchkeep/value.h>

#include "format/format.h"
#include "format/zip/writer.h"

namespace torchkeep::pt {

// As Format::write.
void write(const Value& value,
           const std::filesystem::path& path,
           const SaveOptions& options,
           const Sink& sink);

// The whole archive into `sink`, its records in the folder `root`. The value is encoded before the
// first byte is written. Throws unsupported for a value that cannot be encoded; what the sink
// throws.
void write(const Value& value, Layout layout, std::string root, zip::Writer::Sink sink);

}  // namespace torchkeep::pt
