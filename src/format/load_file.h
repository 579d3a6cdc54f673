// Loading with all that is known about the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include <torchkeep/load.h>

#include "format/format.h"

namespace torchkeep {

struct LoadedFile {
  Loaded content;
  std::string_view format;       // its name
  std::uint64_t file_bytes = 0;  // with all files that belong to it
};

// What becomes of a delta (docs/format/delta.md).
enum class Deltas {
  resolve,   // the tensors of its base are put where they belong
  as_stored  // it is taken for what it is: a dict with a note
};

// As load().
LoadedFile load_file(const std::filesystem::path& path,
                     const LoadOptions& options,
                     Deltas deltas = Deltas::resolve);

}  // namespace torchkeep
