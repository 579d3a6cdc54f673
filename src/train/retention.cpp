#include "train/retention.h"

#include <algorithm>
#include <limits>

namespace torchkeep {

std::vector<std::size_t> rank(const std::vector<CheckpointInfo>& checkpoints,
                              const std::string& monitor,
                              Mode mode) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < checkpoints.size(); ++i) {
    if (!checkpoints[i].intermediate) order.push_back(i);
  }
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
  std::vector<bool> keep(checkpoints.size(), false);
  if (checkpoints.empty()) return keep;
  const auto order = rank(checkpoints, options.monitor, options.mode);
  const std::size_t kept =
      options.save_top_k ? std::min(order.size(), static_cast<std::size_t>(*options.save_top_k))
                         : order.size();
  for (std::size_t i = 0; i < kept; ++i) keep[order[i]] = true;
  // The last of an epoch stays beside a newer intermediate one: two to resume from.
  if (options.save_last && !order.empty())
    keep[*std::max_element(order.begin(), order.end())] = true;
  if (checkpoints.back().intermediate) keep.back() = true;
  return keep;
}

std::optional<CheckpointInfo> best_checkpoint(const std::vector<CheckpointInfo>& checkpoints,
                                              const std::string& monitor,
                                              Mode mode) {
  const auto order = rank(checkpoints, monitor, mode);
  if (order.empty()) return std::nullopt;
  return checkpoints[order.front()];
}

}  // namespace torchkeep
