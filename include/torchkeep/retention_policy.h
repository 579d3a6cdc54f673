// Clearing up a run afterwards: which checkpoints to keep, by rules that combine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <torchkeep/checkpoint_manager.h>

namespace torchkeep {

// A checkpoint is kept if any of the rules wants it.
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

// What clearing up would do to a directory; nothing is done yet.
struct CleaningPlan {
  std::filesystem::path directory = {};
  std::vector<CheckpointInfo> kept = {};     // oldest first, those that no manager wrote among them
  std::vector<CheckpointInfo> dropped = {};  // oldest first
  std::uint64_t bytes = 0;                   // of what is dropped
  std::string monitor = "";                  // of the run, for its index
  Mode mode = Mode::min;
};

// Never drops the newest checkpoint, nor a file that no manager wrote into this directory.
// Throws invalid_argument if there is no rule, or one with a number below 1; not_found if the
// directory or the metric does not exist.
CleaningPlan plan_cleaning(const std::filesystem::path& directory, const RetentionPolicy& policy);

enum class Deletion {
  remove,        // for ever
  move_to_trash  // to the folder `trash` of the directory
};

// Writes the index without the files that go, then lets them go. A file that is gone already is no
// error. Throws io; what was not reached is still there.
void carry_out(const CleaningPlan& plan, Deletion deletion = Deletion::remove);

}  // namespace torchkeep
