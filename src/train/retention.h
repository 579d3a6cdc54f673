// Which checkpoints to keep: arithmetic on lists, without effects.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <torchkeep/checkpoint_manager.h>

namespace torchkeep {

// Positions of the checkpoints, the best first; for equal ones the older first. With an empty
// `monitor` the newest is the best. Intermediate ones are left out.
std::vector<std::size_t> rank(const std::vector<CheckpointInfo>& checkpoints,
                              const std::string& monitor,
                              Mode mode);

// For each checkpoint (oldest first) whether the options ask to keep it.
std::vector<bool> worth_keeping(const std::vector<CheckpointInfo>& checkpoints,
                                const CheckpointManagerOptions& options);

}  // namespace torchkeep
