// Choosing among the checkpoints that list_checkpoints() finds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/checkpoint_manager.h>

namespace torchkeep {

// What can be asked of a checkpoint by name: `epoch`, `step`, `bytes` or a metric. A metric that
// none of them has is an error, not_found, which names those there are.

// A condition such as "val_acc>=0.9".
struct CheckpointCondition {
  std::string key = {};
  enum class Relation { less, less_or_equal, greater, greater_or_equal };
  Relation relation = Relation::less;
  double bound = 0.0;
};
// Throws invalid_argument.
CheckpointCondition parse_condition(std::string_view text);

// Those that fulfil the condition, in their order. Those without the metric, or with NaN, do not.
std::vector<CheckpointInfo> where(const std::vector<CheckpointInfo>& checkpoints,
                                  const CheckpointCondition& condition);

enum class SortOrder { ascending, descending };
// Equal ones stay in their order; those without the metric, or with NaN, come last in both orders.
std::vector<CheckpointInfo> sorted_by(const std::vector<CheckpointInfo>& checkpoints,
                                      const std::string& key,
                                      SortOrder order = SortOrder::ascending);

// Throws not_found if none of them has the metric. Nothing is wrong with an empty list.
void require_metric(const std::vector<CheckpointInfo>& checkpoints, const std::string& metric);

}  // namespace torchkeep
