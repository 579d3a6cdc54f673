// `checkpoints.json`: what a directory of checkpoints holds, so that a list opens no checkpoint.
//
// The index is a cache: the files are what counts. An entry stands for a file of its name and size;
// any other file is opened, and an entry without a file is dropped.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/error.h>

namespace torchkeep {

struct CheckpointIndex {
  std::string monitor = {};
  Mode mode = Mode::min;
  std::vector<CheckpointInfo> checkpoints = {};  // oldest first
};

struct ScannedDirectory {
  CheckpointIndex index = {};
  std::vector<Error> unreadable =
      {};  // one for each file that looks like a checkpoint by its name only
};

// Throws not_found if the directory does not exist, io.
ScannedDirectory scan_checkpoints(const std::filesystem::path& directory);

// Replaces the index. Throws io.
void write_checkpoint_index(const std::filesystem::path& directory,
                            const CheckpointIndex& index,
                            Durability durability);

}  // namespace torchkeep
