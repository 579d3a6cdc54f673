#include "train/checkpoint_file.h"

#include <limits>

#include <torchkeep/delta.h>

#include "base/fail.h"
#include "format/load_file.h"

namespace torchkeep {
namespace {

// The key under which a manager leaves its mark.
constexpr const char* kManagerKey = "checkpoint_manager";

// Other programs keep other things than numbers among the metrics: those are left out.
Metrics metrics_in(const Value& checkpoint) {
  Metrics metrics;
  const Value* values = checkpoint.find("metrics");
  if (values == nullptr || !values->is_dict()) return metrics;
  for (const auto& [key, value] : values->as_dict()) {
    if (key.is_string() && value.is_number()) metrics[key.as_string()] = value.as_double();
  }
  return metrics;
}

int epoch_in(const Value& checkpoint) {
  const std::int64_t epoch = checkpoint["epoch"].as_int();
  if (epoch < 0 || epoch > std::numeric_limits<int>::max()) {
    fail(ErrorCode::corrupt, "the epoch is {} (expected a number from 0)", epoch);
  }
  return static_cast<int>(epoch);
}

bool looks_like_a_checkpoint(const Value& value) {
  const Value* epoch = value.find("epoch");
  return epoch != nullptr && epoch->is_int();
}

// A file that was copied to another name is not the manager's any more.
void read_mark(const Value& checkpoint, CheckpointDescription& description) {
  const Value* mark = checkpoint.find(kManagerKey);
  if (mark == nullptr) return;
  description.monitor = (*mark)["monitor"].as_string();
  description.mode = mode_from_name((*mark)["mode"].as_string()).value_or(Mode::min);
  if ((*mark)["file_name"].as_string() == description.info.path.filename().string()) {
    description.info.number = (*mark)["number"].as_int();
  }
  if (const Value* intermediate = mark->find("intermediate")) {
    description.info.intermediate = intermediate->as_bool();
  }
}

}  // namespace

Value to_value(const Metrics& metrics) {
  Dict values;
  for (const auto& [metric_name, value] : metrics) values.set(metric_name, value);
  return Value(std::move(values));
}

CheckpointInfo describe(const Value& checkpoint) {
  CheckpointInfo info{.epoch = epoch_in(checkpoint), .metrics = metrics_in(checkpoint)};
  const Value* step = checkpoint.find("global_step");
  if (step != nullptr && step->is_int()) info.step = step->as_int();
  return info;
}

Value annotate(const Value& checkpoint,
               const CheckpointInfo& info,
               const CheckpointManagerOptions& options) {
  Dict annotated = checkpoint.as_dict();
  annotated.set("metrics", to_value(info.metrics));
  annotated.set(kManagerKey, dict({{"file_name", info.path.filename().string()},
                                   {"number", info.number},
                                   {"intermediate", info.intermediate},
                                   {"monitor", options.monitor},
                                   {"mode", name(options.mode)}}));
  return Value(std::move(annotated));
}

std::optional<CheckpointDescription> read_description(const std::filesystem::path& path) {
  const Value value = load_file(path, {.access = Access::map}, Deltas::as_stored).content.value;
  if (!looks_like_a_checkpoint(value)) return std::nullopt;
  try {
    std::error_code error;
    CheckpointDescription description{.info = describe(value)};
    description.info.path = path;
    description.info.file_bytes = std::filesystem::file_size(path, error);
    if (const auto delta = delta_info(value, path, BaseCheck::size)) {
      description.info.base = delta->base;
    }
    read_mark(value, description);
    return description;
  } catch (Error& error) {
    error.add_place({.path = path.string()});
    throw;
  }
}

}  // namespace torchkeep
