// Writes state dicts in several files with an index.
#pragma once

#include <filesystem>

#include <torchkeep/save.h>
#include <torchkeep/value.h>

#include "format/format.h"

namespace torchkeep::sharded {

// Saves the tensors of a dict as files of that format of at most SaveOptions::max_shard_bytes each,
// or as one file if they fit. What an earlier save to the same path left is removed at the end.
// Throws as save(), naming the file.
void save(const Value& value,
          const std::filesystem::path& path,
          const Format& format,
          const SaveOptions& options);

}  // namespace torchkeep::sharded
