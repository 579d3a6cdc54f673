// Metrics as JSON.
#pragma once

#include <torchkeep/metrics.h>

#include <nlohmann/json_fwd.hpp>

namespace torchkeep {

// An object in the order of the names. JSON has no NaN and no infinity: they become the strings
// "NaN", "Infinity" and "-Infinity".
nlohmann::json to_json(const Metrics& metrics);

// The inverse. Throws corrupt.
Metrics metrics_from_json(const nlohmann::json& json);

}  // namespace torchkeep
