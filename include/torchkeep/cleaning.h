// Clearing up a run afterwards.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/retention_policy.h>

namespace torchkeep {

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

// Writes the index without the files that go, then lets them go. A file that is gone already is no
// error. Throws io; what was not reached is still there.
void carry_out(const CleaningPlan& plan, Deletion deletion = Deletion::remove);

}  // namespace torchkeep
