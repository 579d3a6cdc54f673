#include "train/metrics_json.h"

#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/fail.h"

namespace torchkeep {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::array kNonFinite = {
    std::pair{"NaN", std::numeric_limits<double>::quiet_NaN()},
    std::pair{"Infinity", kInfinity},
    std::pair{"-Infinity", -kInfinity},
};

}  // namespace

nlohmann::json to_json(const Metrics& metrics) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [metric_name, value] : metrics) {
    json[metric_name] = value;
    for (const auto& [text, special] : kNonFinite) {
      if (value == special || (std::isnan(value) && std::isnan(special))) json[metric_name] = text;
    }
  }
  return json;
}

Metrics metrics_from_json(const nlohmann::json& json) {
  if (!json.is_object()) fail(ErrorCode::corrupt, "the metrics are no JSON object");
  Metrics metrics;
  for (const auto& [metric_name, value] : json.get_ref<const nlohmann::json::object_t&>()) {
    if (value.is_number()) {
      metrics[metric_name] = value.get<double>();
      continue;
    }
    const auto* special = kNonFinite.begin();
    while (special != kNonFinite.end() && value != special->first) ++special;
    if (special == kNonFinite.end()) {
      fail(ErrorCode::corrupt, "the metric {} is {} (expected a number)", metric_name,
           value.dump());
    }
    metrics[metric_name] = special->second;
  }
  return metrics;
}

}  // namespace torchkeep
