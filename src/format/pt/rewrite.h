// Writing an archive again as it is: its layout, its root, its pickle.
#pragma once

#include <filesystem>

#include <torchkeep/limits.h>
#include <torchkeep/save.h>

#include "format/pt/archive.h"
#include "format/zip/writer.h"

namespace torchkeep::pt {

// All records in the order in which they lie in the file, with PyTorch's headers around them: what
// PyTorch wrote comes out byte for byte. The pickle is not looked at. Every checksum is compared.
// Throws corrupt, naming the damaged record; io; what the sink throws.
void rewrite(const Archive& archive, zip::Writer::Sink sink);

// The same from file to file; they may be one. `to` is replaced as save() does. Throws as load()
// and save(); unsupported for a file that is no zip archive of PyTorch.
void rewrite_file(const std::filesystem::path& from,
                  const std::filesystem::path& to,
                  Durability durability = Durability::synced,
                  const Limits& limits = {});

}  // namespace torchkeep::pt
