#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include <torchkeep/checkpoint_list.h>

#include "base/fail.h"
#include "base/similar.h"

namespace torchkeep {
namespace {

using Relation = CheckpointCondition::Relation;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

double value_of(const CheckpointInfo& info, const std::string& key) {
  if (key == "epoch") return info.epoch;
  if (key == "step") return static_cast<double>(info.step);
  if (key == "bytes") return static_cast<double>(info.file_bytes);
  const auto found = info.metrics.find(key);
  return found == info.metrics.end() ? kMissing : found->second;
}

bool is_no_metric(const std::string& key) {
  return key == "epoch" || key == "step" || key == "bytes";
}

void require_key(const std::vector<CheckpointInfo>& checkpoints, const std::string& key) {
  if (!is_no_metric(key)) require_metric(checkpoints, key);
}

bool holds(double value, const CheckpointCondition& condition) {
  switch (condition.relation) {
    case Relation::less:
      return value < condition.bound;
    case Relation::less_or_equal:
      return value <= condition.bound;
    case Relation::greater:
      return value > condition.bound;
    case Relation::greater_or_equal:
      return value >= condition.bound;
  }
  return false;
}

}  // namespace

CheckpointCondition parse_condition(std::string_view text) {
  const std::size_t sign = text.find_first_of("<>");
  if (sign != std::string_view::npos && sign > 0) {
    CheckpointCondition condition{.key = std::string(text.substr(0, sign))};
    std::string_view rest = text.substr(sign + 1);
    const bool or_equal = rest.starts_with('=');
    if (or_equal) rest.remove_prefix(1);
    if (text[sign] == '<') {
      condition.relation = or_equal ? Relation::less_or_equal : Relation::less;
    } else {
      condition.relation = or_equal ? Relation::greater_or_equal : Relation::greater;
    }
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), condition.bound);
    if (error == std::errc() && end == rest.data() + rest.size()) return condition;
  }
  fail(ErrorCode::invalid_argument,
       "\"{}\" is no condition (expected such as val_acc>=0.9 or epoch<10)", text);
}

std::vector<CheckpointInfo> where(const std::vector<CheckpointInfo>& checkpoints,
                                  const CheckpointCondition& condition) {
  require_key(checkpoints, condition.key);
  std::vector<CheckpointInfo> chosen;
  for (const CheckpointInfo& info : checkpoints) {
    if (holds(value_of(info, condition.key), condition)) chosen.push_back(info);
  }
  return chosen;
}

std::vector<CheckpointInfo> sorted_by(const std::vector<CheckpointInfo>& checkpoints,
                                      const std::string& key,
                                      SortOrder order) {
  require_key(checkpoints, key);
  const Mode mode = order == SortOrder::ascending ? Mode::min : Mode::max;
  std::vector<CheckpointInfo> sorted = checkpoints;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const CheckpointInfo& a, const CheckpointInfo& b) {
                     return is_better(value_of(a, key), value_of(b, key), mode);
                   });
  return sorted;
}

void require_metric(const std::vector<CheckpointInfo>& checkpoints, const std::string& metric) {
  if (checkpoints.empty()) return;
  std::set<std::string_view> names;
  for (const CheckpointInfo& info : checkpoints) {
    for (const auto& [name, value] : info.metrics) names.insert(name);
  }
  if (names.contains(metric)) return;
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto similar = most_similar(metric, known);
  fail_at(ErrorCode::not_found, {},
          similar ? fmt::format("did you mean \"{}\"?", *similar) : std::string(),
          "no checkpoint has the metric \"{}\" (there are {})", metric,
          known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")));
}

}  // namespace torchkeep
