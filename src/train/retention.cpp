#include "train/retention.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <optional>

#include "base/fail.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using Checkpoints = std::vector<CheckpointInfo>;

void check_number(const char* rule, std::optional<std::int64_t> number) {
  if (!number || *number >= 1) return;
  fail(ErrorCode::invalid_argument, "the rule {} has {} (expected at least 1)", rule, *number);
}

void keep_first(const std::vector<std::size_t>& order, int count, std::vector<bool>& keep) {
  const auto kept = std::min(order.size(), static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < kept; ++i) keep[order[i]] = true;
}

// The first checkpoint in each stretch of that length.
void keep_every(const Checkpoints& checkpoints,
                std::optional<std::int64_t> length,
                const std::function<std::int64_t(const CheckpointInfo&)>& position,
                std::vector<bool>& keep) {
  if (!length) return;
  std::optional<std::int64_t> stretch;
  for (std::size_t i = 0; i < checkpoints.size(); ++i) {
    if (checkpoints[i].intermediate) continue;
    const std::int64_t its_stretch = position(checkpoints[i]) / *length;
    if (stretch == its_stretch) continue;
    stretch = its_stretch;
    keep[i] = true;
  }
}

std::int64_t minute_of(const CheckpointInfo& info) {
  std::error_code error;
  auto written = fs::last_write_time(info.path, error);
  if (error) written = fs::file_time_type::clock::now();
  const auto since_epoch = fs::file_time_type::clock::to_sys(written).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::minutes>(since_epoch).count();
}

}  // namespace

std::vector<std::size_t> rank(const Checkpoints& checkpoints,
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

void check_numbers(const RetentionPolicy& policy) {
  check_number("best", policy.best);
  check_number("last", policy.last);
  check_number("every_n_epochs", policy.every_n_epochs);
  check_number("every_n_steps", policy.every_n_steps);
  check_number("every_n_minutes", policy.every_n_minutes);
}

std::vector<bool> kept_by(const RetentionPolicy& policy,
                          const Checkpoints& checkpoints,
                          const std::string& monitor,
                          Mode mode) {
  std::vector<bool> keep(checkpoints.size(), false);
  if (policy.best) {
    const std::string& decisive = policy.monitor.empty() ? monitor : policy.monitor;
    keep_first(rank(checkpoints, decisive, policy.mode.value_or(mode)), *policy.best, keep);
  }
  if (policy.last) keep_first(rank(checkpoints, "", mode), *policy.last, keep);
  keep_every(
      checkpoints, policy.every_n_epochs,
      [](const CheckpointInfo& info) { return std::int64_t{info.epoch}; }, keep);
  keep_every(
      checkpoints, policy.every_n_steps, [](const CheckpointInfo& info) { return info.step; },
      keep);
  keep_every(checkpoints, policy.every_n_minutes, minute_of, keep);
  return keep;
}

void keep_bases(const Checkpoints& checkpoints, std::vector<bool>& keep) {
  for (std::size_t i = 0; i < checkpoints.size(); ++i) {
    if (!keep[i] || checkpoints[i].base.empty()) continue;
    for (std::size_t j = 0; j < checkpoints.size(); ++j) {
      std::error_code error;  // a base that is not there needs not be kept
      if (!keep[j] && fs::equivalent(checkpoints[i].base, checkpoints[j].path, error)) {
        keep[j] = true;
      }
    }
  }
}

std::vector<bool> worth_keeping(const Checkpoints& checkpoints,
                                const CheckpointManagerOptions& options) {
  if (checkpoints.empty()) return {};
  std::vector<bool> keep = kept_by(options.retention, checkpoints, options.monitor, options.mode);
  keep_first(rank(checkpoints, options.monitor, options.mode),
             options.save_top_k.value_or(std::numeric_limits<int>::max()), keep);
  // The last of an epoch stays beside a newer intermediate one: two to resume from.
  if (options.save_last) keep_first(rank(checkpoints, "", options.mode), 1, keep);
  if (checkpoints.back().intermediate) keep.back() = true;
  return keep;
}

std::optional<CheckpointInfo> best_checkpoint(const Checkpoints& checkpoints,
                                              const std::string& monitor,
                                              Mode mode) {
  const auto order = rank(checkpoints, monitor, mode);
  if (order.empty()) return std::nullopt;
  return checkpoints[order.front()];
}

}  // namespace torchkeep
