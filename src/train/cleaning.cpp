#include <utility>

#include <torchkeep/checkpoint_list.h>
#include <torchkeep/cleaning.h>

#include "base/fail.h"
#include "train/checkpoint_index.h"
#include "train/deletion.h"
#include "train/retention.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;

void check_policy(const RetentionPolicy& policy) {
  check_numbers(policy);
  if (policy.best || policy.last || policy.every_n_epochs || policy.every_n_steps ||
      policy.every_n_minutes) {
    return;
  }
  fail_at(ErrorCode::invalid_argument, {}, "name at least one, such as the number of the best",
          "no rule says what is to be kept");
}

}  // namespace

CleaningPlan plan_cleaning(const fs::path& directory, const RetentionPolicy& policy) {
  check_policy(policy);
  ScannedDirectory scanned = scan_checkpoints(directory);
  CleaningPlan plan{
      .directory = directory, .monitor = scanned.index.monitor, .mode = scanned.index.mode};
  std::vector<CheckpointInfo>& checkpoints = scanned.index.checkpoints;
  const std::string& monitor = policy.monitor.empty() ? plan.monitor : policy.monitor;
  if (policy.best && !monitor.empty()) require_metric(checkpoints, monitor);
  std::vector<bool> keep = kept_by(policy, checkpoints, plan.monitor, plan.mode);
  if (!keep.empty()) keep.back() = true;
  // What no manager wrote stays as well, and may need a base.
  for (std::size_t i = 0; i < checkpoints.size(); ++i) {
    if (checkpoints[i].number == 0) keep[i] = true;
  }
  keep_bases(checkpoints, keep);
  for (std::size_t i = 0; i < checkpoints.size(); ++i) {
    if (!keep[i]) plan.bytes += checkpoints[i].file_bytes;
    (keep[i] ? plan.kept : plan.dropped).push_back(std::move(checkpoints[i]));
  }
  return plan;
}

void carry_out(const CleaningPlan& plan, Deletion deletion) {
  if (plan.dropped.empty()) return;
  CheckpointIndex index{.monitor = plan.monitor, .mode = plan.mode};
  for (const CheckpointInfo& info : plan.kept) {
    if (info.number != 0) index.checkpoints.push_back(info);
  }
  write_checkpoint_index(plan.directory, index, Durability::synced);
  for (const CheckpointInfo& info : plan.dropped) let_go(info.path, deletion);
}

}  // namespace torchkeep
