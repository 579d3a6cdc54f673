// Writes the zip files of torch.save.
#pragma once

#include <string>

#include <torchkeep/save.h>
#include <torchkeep/value.h>

#include "format/zip/writer.h"

namespace torchkeep::pt {

// The whole archive into `sink`, its records in the folder `root`. The value is encoded before the
// first byte is written. Throws unsupported for a value that cannot be encoded; what the sink
// throws.
void write(const Value& value, Layout layout, std::string root, zip::Writer::Sink sink);

}  // namespace torchkeep::pt
