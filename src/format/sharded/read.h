// Reads state dicts that lie in several files, by their index.
#pragma once

#include <filesystem>
#include <vector>

#include "format/format.h"

namespace torchkeep::sharded {

// A file whose name ends with ".index.json" and that holds a JSON object.
bool recognises(const Probe& probe);

// The files that the index names, each once, in its order. Throws corrupt or unsafe for an index
// that makes no sense; whether the files are there is not looked at.
std::vector<std::filesystem::path> shard_paths(const Probe& index);

// One ordered dict of all tensors: first those of the index, in its order, then those that only a
// shard knows. Each shard is loaded as any file is, and must hold a dict of tensors. The
// `__metadata__` of the shards is kept where all have the same.
// Throws as load(); not_found for a shard that is missing; corrupt where index and shards disagree.
Loaded read(const Probe& probe, const LoadOptions& options);

}  // namespace torchkeep::sharded
