#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <utility>

#include <torchkeep/checkpoint_list.h>
#include <torchkeep/retention_policy.h>

#include "base/fail.h"
#include "io/file_operations.h"
#include "io/system_error.h"
#include "train/checkpoint_index.h"
#include "train/file_name.h"
#include "train/retention.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using Checkpoints = std::vector<CheckpointInfo>;

constexpr const char* kTrash = "trash";

void check_number(const char* rule, std::optional<std::int64_t> number) {
  if (!number || *number >= 1) return;
  fail(ErrorCode::invalid_argument, "the rule {} has {} (expected at least 1)", rule, *number);
}

void check_policy(const RetentionPolicy& policy) {
  check_number("best", policy.best);
  check_number("last", policy.last);
  check_number("every_n_epochs", policy.every_n_epochs);
  check_number("every_n_steps", policy.every_n_steps);
  check_number("every_n_minutes", policy.every_n_minutes);
  if (policy.best || policy.last || policy.every_n_epochs || policy.every_n_steps ||
      policy.every_n_minutes) {
    return;
  }
  fail_at(ErrorCode::invalid_argument, {}, "name at least one, such as the number of the best",
          "no rule says what is to be kept");
}

void keep_best(const Checkpoints& checkpoints,
               const CleaningPlan& plan,
               int count,
               std::vector<bool>& keep) {
  const auto order = rank(checkpoints, plan.monitor, plan.mode);
  const auto kept = std::min(order.size(), static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < kept; ++i) keep[order[i]] = true;
}

void keep_last(int count, std::vector<bool>& keep) {
  const auto kept = std::min(keep.size(), static_cast<std::size_t>(count));
  std::fill(keep.end() - static_cast<std::ptrdiff_t>(kept), keep.end(), true);
}

// The first checkpoint in each stretch of that length.
void keep_every(const Checkpoints& checkpoints,
                std::int64_t length,
                const std::function<std::int64_t(const CheckpointInfo&)>& position,
                std::vector<bool>& keep) {
  std::optional<std::int64_t> stretch;
  for (std::size_t i = 0; i < checkpoints.size(); ++i) {
    const std::int64_t its_stretch = position(checkpoints[i]) / length;
    if (checkpoints[i].intermediate || stretch == its_stretch) continue;
    stretch = its_stretch;
    keep[i] = true;
  }
}

std::int64_t minute_of(const CheckpointInfo& info) {
  std::error_code error;
  const auto written = fs::last_write_time(info.path, error);
  if (error) return 0;
  const auto since_epoch = fs::file_time_type::clock::to_sys(written).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::minutes>(since_epoch).count();
}

std::vector<bool> kept_by(const RetentionPolicy& policy,
                          const Checkpoints& checkpoints,
                          const CleaningPlan& plan) {
  std::vector<bool> keep(checkpoints.size(), false);
  if (policy.best) keep_best(checkpoints, plan, *policy.best, keep);
  keep_last(policy.last.value_or(1), keep);
  if (policy.every_n_epochs) {
    keep_every(
        checkpoints, *policy.every_n_epochs,
        [](const CheckpointInfo& info) { return std::int64_t{info.epoch}; }, keep);
  }
  if (policy.every_n_steps) {
    keep_every(
        checkpoints, *policy.every_n_steps, [](const CheckpointInfo& info) { return info.step; },
        keep);
  }
  if (policy.every_n_minutes) {
    keep_every(checkpoints, *policy.every_n_minutes, minute_of, keep);
  }
  return keep;
}

// A name in the trash that is not taken.
fs::path place_in_trash(const fs::path& trash, const std::string& file_name) {
  fs::path path = trash / file_name;
  std::error_code error;
  for (int version = 1; fs::exists(fs::symlink_status(path, error)); ++version) {
    path = trash / with_version(file_name, version);
  }
  return path;
}

void let_go(const fs::path& path, Deletion deletion, const fs::path& trash) {
  const int result =
      deletion == Deletion::remove
          ? io::file_operations().remove(path.c_str())
          : io::file_operations().rename(path.c_str(),
                                         place_in_trash(trash, path.filename().string()).c_str());
  if (result < 0 && errno != ENOENT) io::throw_system_error(path, "let the checkpoint go");
}

}  // namespace

CleaningPlan plan_cleaning(const fs::path& directory, const RetentionPolicy& policy) {
  check_policy(policy);
  ScannedDirectory scanned = scan_checkpoints(directory);
  CleaningPlan plan{
      .directory = directory, .monitor = scanned.index.monitor, .mode = scanned.index.mode};
  CleaningPlan ranked = plan;
  if (!policy.monitor.empty()) ranked.monitor = policy.monitor;
  if (policy.mode) ranked.mode = *policy.mode;
  Checkpoints& checkpoints = scanned.index.checkpoints;
  if (policy.best && !ranked.monitor.empty()) require_metric(checkpoints, ranked.monitor);
  const std::vector<bool> keep = kept_by(policy, checkpoints, ranked);
  for (std::size_t i = 0; i < checkpoints.size(); ++i) {
    const bool is_ours = checkpoints[i].number != 0;
    if (is_ours && !keep[i]) plan.bytes += checkpoints[i].file_bytes;
    (is_ours && !keep[i] ? plan.dropped : plan.kept).push_back(std::move(checkpoints[i]));
  }
  return plan;
}

void carry_out(const CleaningPlan& plan, Deletion deletion) {
  if (plan.dropped.empty()) return;
  CheckpointIndex index{.monitor = plan.monitor, .mode = plan.mode};
  for (const CheckpointInfo& info : plan.kept) {
    if (info.number != 0) index.checkpoints.push_back(info);
  }
  const fs::path trash = plan.directory / kTrash;
  if (deletion == Deletion::move_to_trash) {
    std::error_code error;
    fs::create_directories(trash, error);
    if (error) io::throw_system_error(trash, "create the directory", error.value());
  }
  write_checkpoint_index(plan.directory, index, Durability::synced);
  for (const CheckpointInfo& info : plan.dropped) let_go(info.path, deletion, trash);
}

}  // namespace torchkeep
