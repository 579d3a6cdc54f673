// Which checkpoints of a run to keep, by rules that combine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <torchkeep/metrics.h>

namespace torchkeep {

// A checkpoint is kept if any of the rules wants it. Checkpoints from within an epoch count for
// none of them.
struct RetentionPolicy {
  std::optional<int> best = std::nullopt;   // so many of the best by `monitor`
  std::string monitor = "";                 // empty: what the manager of the run monitored
  std::optional<Mode> mode = std::nullopt;  // nothing: that of the manager
  std::optional<int> last = std::nullopt;   // so many of the newest
  // The first in each stretch of so many epochs, steps or minutes, for ever. Minutes go by the
  // times of the files.
  std::optional<std::int64_t> every_n_epochs = std::nullopt;
  std::optional<std::int64_t> every_n_steps = std::nullopt;
  std::optional<std::int64_t> every_n_minutes = std::nullopt;
};

// What becomes of a checkpoint that no rule wants.
enum class Deletion {
  remove,        // for ever
  move_to_trash  // to the folder `trash` of its directory
};

}  // namespace torchkeep
