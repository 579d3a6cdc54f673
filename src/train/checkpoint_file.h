// What a checkpoint file says about itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/metrics.h>
#include <torchkeep/value.h>

namespace torchkeep {

// Read from a file, without its tensors.
struct CheckpointDescription {
  CheckpointInfo info = {};
  std::string monitor = {};  // of the manager that wrote it
  Mode mode = Mode::min;
};

// A dict of numbers.
Value to_value(const Metrics& metrics);

// The epoch, step and metrics of a checkpoint in memory. Throws mismatch, not_found for a value
// that is no dict with `epoch`.
CheckpointInfo describe(const Value& checkpoint);

// A copy of the dict (not of what it refers to) that says which file it is in, and its metrics.
Value annotate(const Value& checkpoint,
               const CheckpointInfo& info,
               const CheckpointManagerOptions& options);

// Nothing if the file is readable, but no checkpoint. Throws as load().
std::optional<CheckpointDescription> read_description(const std::filesystem::path& path);

}  // namespace torchkeep
