#include "train/retention.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace torchkeep {

std::vector<std::size_t> rank(const std::vector<CheckpointInfo>& checkpoints,
                              const std::string& monitor,
                              Mode mode) {
  std::vector<std::size_t> order(checkpoints.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (monitor.empty()) {
    std::reverse(order.begin(), order.end());
    return order;
  }
  const auto value = [&](std::size_t position) {
    const Metrics& metrics = checkpoints[position].metrics;
    const auto found = metrics.find(monitor);
    return found == metrics.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return is_better(value(a), value(b), mode);
  });
  return order;
}

std::vector<bool> worth_keeping(const std::vector<CheckpointInfo>& checkpoints,
                                const CheckpointManagerOptions& options) {
  if (!options.save_top_k) return std::vector<bool>(checkpoints.size(), true);
  std::vector<bool> keep(checkpoints.size(), false);
  const auto order = rank(checkpoints, options.monitor, options.mode);
  const auto kept = std::min(order.size(), static_cast<std::size_t>(*options.save_top_k));
  for (std::size_t i = 0; i < kept; ++i) keep[order[i]] = true;
  if (options.save_last && !keep.empty()) keep.back() = true;
  return keep;
}

std::optional<CheckpointInfo> best_checkpoint(const std::vector<CheckpointInfo>& checkpoints,
                                              const std::string& monitor,
                                              Mode mode) {
  if (checkpoints.empty()) return std::nullopt;
  return checkpoints[rank(checkpoints, monitor, mode).front()];
}

}  // namespace torchkeep
