#include <algorithm>
#include <cmath>
#include <utility>

#include <torchkeep/average_best.h>
#include <torchkeep/checkpoint_list.h>

#include "base/fail.h"
#include "io/system_error.h"
#include "train/checkpoint_index.h"
#include "train/retention.h"

namespace torchkeep {
namespace {

bool has_metric(const CheckpointInfo& info, const std::string& monitor) {
  if (monitor.empty()) return true;
  const auto found = info.metrics.find(monitor);
  return found != info.metrics.end() && !std::isnan(found->second);
}

}  // namespace

std::vector<CheckpointInfo> best_checkpoints(const std::filesystem::path& directory,
                                             const BestCheckpoints& wanted) {
  if (wanted.count < 1) {
    fail(ErrorCode::invalid_argument, "the best {} checkpoints are asked for (expected at least 1)",
         wanted.count);
  }
  CheckpointIndex index = scan_checkpoints(directory).index;
  const std::string& monitor = wanted.monitor.empty() ? index.monitor : wanted.monitor;
  if (!monitor.empty()) require_metric(index.checkpoints, monitor);
  std::vector<CheckpointInfo> best;
  for (const std::size_t i : rank(index.checkpoints, monitor, wanted.mode.value_or(index.mode))) {
    if (has_metric(index.checkpoints[i], monitor)) best.push_back(std::move(index.checkpoints[i]));
  }
  const auto count = static_cast<std::size_t>(wanted.count);
  if (best.size() < count) {
    fail_at(ErrorCode::not_found, io::at_path(directory), "ask for fewer",
            "there are only {} checkpoints to choose from (expected {})", best.size(), count);
  }
  best.resize(count);
  return best;
}

Average average_best(const std::filesystem::path& directory,
                     const BestCheckpoints& wanted,
                     const AverageOptions& options) {
  std::vector<std::filesystem::path> paths;
  for (const CheckpointInfo& info : best_checkpoints(directory, wanted)) {
    paths.push_back(info.path);
  }
  std::ranges::reverse(paths);
  return average(paths, options);
}

}  // namespace torchkeep
