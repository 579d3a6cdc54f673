// Which checkpoints to keep: decided from lists.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/retention_policy.h>

namespace torchkeep {

// Positions of the checkpoints, the best first; for equal ones the older first. With an empty
// `monitor` the newest is the best. Intermediate ones are left out.
std::vector<std::size_t> rank(const std::vector<CheckpointInfo>& checkpoints,
                              const std::string& monitor,
                              Mode mode);

// Throws invalid_argument for a rule with a number below 1.
void check_numbers(const RetentionPolicy& policy);

// For each checkpoint (oldest first) whether a rule wants it; `monitor` and `mode` are for a policy
// that names none. A checkpoint whose file is not there yet counts as written now.
std::vector<bool> kept_by(const RetentionPolicy& policy,
                          const std::vector<CheckpointInfo>& checkpoints,
                          const std::string& monitor,
                          Mode mode);

// Marks also those that a checkpoint which is kept needs as the base of its delta.
void keep_bases(const std::vector<CheckpointInfo>& checkpoints, std::vector<bool>& keep);

// For each checkpoint (oldest first) whether the options ask to keep it.
std::vector<bool> worth_keeping(const std::vector<CheckpointInfo>& checkpoints,
                                const CheckpointManagerOptions& options);

}  // namespace torchkeep
