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

// As load().
LoadedFile load_file(const std::filesystem::path& path, const LoadOptions& options);

}  // namespace torchkeep
