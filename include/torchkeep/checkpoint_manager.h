// The checkpoints of one run: when to save, what to call them, which to keep, which is the best.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torchkeep/error.h>
#include <torchkeep/load.h>
#include <torchkeep/metrics.h>
#include <torchkeep/retention_policy.h>
#include <torchkeep/save.h>
#include <torchkeep/value.h>

namespace torchkeep {

class BackgroundQueue;
class CheckpointStore;
class DeltaBase;
class FileNameTemplate;
class SnapshotMemory;

struct CheckpointManagerOptions {
  // Fields in braces are replaced: {epoch}, {step} and every metric, with an optional format as in
  // Python ({val_loss:.4f}, {epoch:03d}). "/" in a value becomes "_". ".pt" is added. A brace is
  // written as {{ or }}.
  // Empty: "{epoch:03d}-{step}", and "-{monitor:.4f}" where a metric is monitored.
  std::string filename = "";
  std::string monitor = "";  // the metric that decides; empty: the newest is the best
  Mode mode = Mode::min;
  // How many of the best to keep; nothing: all. Ties: the first wins.
  std::optional<int> save_top_k = 1;
  bool save_last = true;   // keep also the newest, whatever its metric; resuming needs it
  int every_n_epochs = 1;  // save() is asked after each epoch and declines the others
  // Also within an epoch, every so many steps of the optimizer: a checkpoint to resume from, which
  // gives way to the next. 0: never.
  std::int64_t every_n_steps = 0;
  double every_n_minutes = 0.0;  // likewise, so long after the save before; 0: never
  // What is kept besides: more of the newest, the best by another metric, some for ever.
  RetentionPolicy retention = {};
  // What becomes of the others. Intermediate ones are always removed.
  Deletion deletion = Deletion::remove;
  // Checkpoints store only what differs from this file (docs/format/delta.md); empty: they are
  // whole. It must stay where it is and as it is; a manager never drops a base that is needed.
  std::filesystem::path delta_base = {};
  enum class Saving {
    blocking,
    // save() returns once it has copied the state; another thread writes, verifies and clears up.
    in_background
  };
  Saving saving = Saving::blocking;
  int max_saves_in_flight = 1;  // in the background; a save beyond that waits for the oldest
  SaveOptions save = {.manifest = Manifest::sha256};
};

// One checkpoint file of a run.
struct CheckpointInfo {
  std::filesystem::path path = {};
  int epoch = 0;          // the epoch that had just ended, from 0
  std::int64_t step = 0;  // optimizer steps so far
  Metrics metrics = {};
  std::uint64_t file_bytes = 0;
  // Counts the checkpoints that managers wrote into the directory, from 1; 0 for a file that no
  // manager wrote there, such as a copy under another name.
  std::int64_t number = 0;
  bool intermediate = false;        // written within `epoch`, to resume from; never the best
  std::filesystem::path base = {};  // of a delta: the file that holds the rest
};

// Writes checkpoints into a directory and keeps `checkpoints.json` there, an index that can be
// rebuilt from the files. A file is deleted only after the new one was read again, its checksums
// hold, and it and the index without the old one are safely on the disk; and only if a manager
// wrote it there: other files are never touched.
// Not synchronised; one manager for a directory.
class CheckpointManager {
 public:
  // Creates the directory if it is missing, and takes over what an earlier run left there.
  // Throws invalid_argument for a template or options that make no sense, io; as DeltaBase.
  explicit CheckpointManager(std::filesystem::path directory,
                             CheckpointManagerOptions options = {});
  // Waits for saves in the background; what goes wrong then is lost, so call wait() before.
  ~CheckpointManager();
  CheckpointManager(CheckpointManager&&) noexcept;
  CheckpointManager& operator=(CheckpointManager&&) noexcept;

  // Saves `checkpoint` (a dict with `epoch` and perhaps `global_step`, as make_checkpoint builds
  // it) unless the options decline or the file would not be kept, then drops what need not be kept.
  // Returns the path of the new file, or nothing. Adds to the file: `metrics`, and
  // `checkpoint_manager`, from which the index can be rebuilt.
  // An existing name gets "-v1", "-v2", ...
  // Throws not_found if the template or `monitor` names a metric that is not there; io, before
  // anything is written where the disk has too little space; corrupt where the disk gives back
  // other bytes than were written. If only the clearing up failed, the new file is there and
  // listed.
  // In the background: the file holds the state at the time of the call. What goes wrong after it
  // is thrown by the next call of save(), save_intermediate() or wait(), before that does anything.
  std::optional<std::filesystem::path> save(const Value& checkpoint, const Metrics& metrics);

  // Saves a checkpoint from within an epoch as `step_{global_step}.pt`, to be resumed from. It is
  // kept until the next one, of either kind, is there. Throws as save().
  std::filesystem::path save_intermediate(const Value& checkpoint);

  // Whether save() would look at a checkpoint of this epoch, and whether an intermediate one is due
  // now, after this step.
  bool wants(int epoch) const;
  bool wants_step(std::int64_t step) const;

  // Waits until all saves are on the disk, verified and cleared up. Throws as save().
  void wait();
  // Those that were written since the last call, oldest first.
  std::vector<CheckpointInfo> take_written();

  // What managers have written and not dropped, oldest first.
  std::vector<CheckpointInfo> list() const;
  std::optional<CheckpointInfo> best() const;  // nothing before the first save(); see below
  std::optional<CheckpointInfo> last() const;
  const std::filesystem::path& directory() const { return directory_; }
  const CheckpointManagerOptions& options() const { return options_; }

  // Never deletes this file: the one that the run was resumed from.
  void protect(const std::filesystem::path& path);

 private:
  template <class Call>
  void or_plan_anew(Call call);
  void make_room();
  CheckpointInfo placed(CheckpointInfo info, const std::string& file_name) const;
  std::vector<CheckpointInfo> planned_with(const CheckpointInfo& info) const;
  std::filesystem::path write(const Value& checkpoint, CheckpointInfo info);

  std::filesystem::path directory_;
  CheckpointManagerOptions options_;
  std::unique_ptr<FileNameTemplate> file_name_;
  std::unique_ptr<const DeltaBase> base_;  // null: checkpoints are whole
  std::unique_ptr<CheckpointStore> store_;
  std::vector<CheckpointInfo> planned_;  // what will be there once all saves have ended
  std::unique_ptr<SnapshotMemory> snapshots_;
  std::unique_ptr<BackgroundQueue> queue_;  // null: saves block
  std::chrono::steady_clock::time_point last_save_;
};

// The checkpoints in a directory (files ending in .pt, .pth or .ckpt that hold a dict with
// `epoch`), oldest first, those that no manager wrote before the others. Taken from the index or,
// where that is missing, damaged or out of date, from the files. Files that cannot be read are left
// out. Changes nothing. Throws not_found if the directory does not exist.
std::vector<CheckpointInfo> list_checkpoints(const std::filesystem::path& directory);

// The best of them by a metric; for equal ones the first. Those without the metric, or with NaN,
// come last. With an empty `monitor` the newest. Nothing if there are none but intermediate ones.
std::optional<CheckpointInfo> best_checkpoint(const std::vector<CheckpointInfo>& checkpoints,
                                              const std::string& monitor,
                                              Mode mode);

// The best in a directory by the metric that its manager monitored. As list_checkpoints.
std::optional<CheckpointInfo> best_checkpoint(const std::filesystem::path& directory);

// A checkpoint and the newer files that had to be passed over to find it.
struct FoundCheckpoint {
  CheckpointInfo info = {};
  Value value = {};
  std::vector<Error> skipped = {};  // one for each file that could not be read, with its path
};

// The newest checkpoint of a directory that loads, as load(path, options). Throws not_found, naming
// the files that do not load, if there is none, and as list_checkpoints.
FoundCheckpoint load_last_checkpoint(const std::filesystem::path& directory,
                                     const LoadOptions& options = {});

// The file name (without directory) for a checkpoint. Throws not_found, naming the metrics there
// are, for a field that has no value, and invalid_argument for a malformed template.
std::string format_file_name(const std::string& name_template,
                             int epoch,
                             std::int64_t step,
                             const Metrics& metrics);

}  // namespace torchkeep
