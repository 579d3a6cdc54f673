// The mean of the best checkpoints of a run.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <torchkeep/average.h>
#include <torchkeep/checkpoint_manager.h>

namespace torchkeep {

struct BestCheckpoints {
  int count = 1;
  std::string monitor = "";  // a metric; empty: what the manager of the run monitored
  std::optional<Mode> mode = std::nullopt;  // nothing: that of the manager
};

// So many of the best checkpoints in a directory, the best first; for equal ones the first wins.
// Without any metric the newest are the best. Throws invalid_argument for a count below 1;
// not_found if the directory or the metric does not exist, or fewer checkpoints have the metric.
std::vector<CheckpointInfo> best_checkpoints(const std::filesystem::path& directory,
                                             const BestCheckpoints& wanted);

// Their mean. What is not averaged is that of the best. Throws as best_checkpoints and average.
Average average_best(const std::filesystem::path& directory,
                     const BestCheckpoints& wanted,
                     const AverageOptions& options = {});

}  // namespace torchkeep
