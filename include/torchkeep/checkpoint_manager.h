// The checkpoints of one run: when to save, what to call them, which to keep, which is the best.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <torchkeep/metrics.h>
#include <torchkeep/save.h>
#include <torchkeep/value.h>

namespace torchkeep {

struct CheckpointManagerOptions {
  // Fields in braces are replaced: {epoch}, {step} and every metric, with an optional format as in
  // Python ({val_loss:.4f}, {epoch:03d}). "/" in a value becomes "_". ".pt" is added.
  // Empty: "{epoch:03d}-{step}", and "-{monitor:.4f}" where a metric is monitored.
  std::string filename = "";
  std::string monitor = "";  // the metric that decides; empty: the newest is the best
  Mode mode = Mode::min;
  // How many of the best to keep; nothing: all. Ties: the first wins.
  std::optional<int> save_top_k = 1;
  bool save_last = true;   // keep also the newest, whatever its metric; resuming needs it
  int every_n_epochs = 1;  // save() is asked after each epoch and declines the others
  SaveOptions save = {};
};

// One checkpoint file of a run.
struct CheckpointInfo {
  std::filesystem::path path;
  int epoch = 0;          // the epoch that had just ended, from 0
  std::int64_t step = 0;  // optimizer steps so far
  Metrics metrics;
  std::uint64_t file_bytes = 0;
};

// Writes checkpoints into a directory and keeps `checkpoints.json` there, an index that can be
// rebuilt from the files. A file is deleted only after the new one is safely on the disk, and only
// if the index says that this manager wrote it. Not synchronised; one manager for a directory.
class CheckpointManager {
 public:
  // Creates the directory if it is missing, and reads what an earlier run left there.
  // Throws invalid_argument for a template or options that make no sense, io, corrupt.
  explicit CheckpointManager(std::filesystem::path directory,
                             CheckpointManagerOptions options = {});

  // Saves `checkpoint` (a dict with `epoch`, as make_checkpoint builds it) unless the options
  // decline, then drops what need not be kept. Returns the path of the new file, or nothing.
  // Adds `metrics` to the file. An existing name gets "-v1", "-v2", ...
  // Throws not_found if the template or `monitor` names a metric that is not there; io.
  std::optional<std::filesystem::path> save(const Value& checkpoint, const Metrics& metrics);

  // Whether save() would write after this epoch.
  bool wants(int epoch) const;

  std::vector<CheckpointInfo> list() const;    // oldest first
  std::optional<CheckpointInfo> best() const;  // nothing before the first save
  std::optional<CheckpointInfo> last() const;
  const std::filesystem::path& directory() const { return directory_; }
  const CheckpointManagerOptions& options() const { return options_; }

  // Never deletes this file: the one that the run was resumed from.
  void protect(const std::filesystem::path& path);

 private:
  void prune();
  void write_index() const;

  std::filesystem::path directory_;
  CheckpointManagerOptions options_;
  std::vector<CheckpointInfo> checkpoints_;
  std::vector<std::filesystem::path> protected_;
};

// The checkpoints in a directory, oldest first, from its index or, where that is missing, damaged
// or out of date, from the files themselves. Files that cannot be read are left out.
// Throws not_found if the directory does not exist.
std::vector<CheckpointInfo> list_checkpoints(const std::filesystem::path& directory);

// The best of them by a metric; for equal ones the first. Those without the metric, or with NaN,
// come last. Nothing if the list is empty.
std::optional<CheckpointInfo> best_checkpoint(const std::vector<CheckpointInfo>& checkpoints,
                                              const std::string& monitor,
                                              Mode mode);

// The file name (without directory) for a checkpoint. Throws not_found, naming the metrics there
// are, for a field that has no value, and invalid_argument for a malformed template.
std::string format_file_name(const std::string& name_template,
                             int epoch,
                             std::int64_t step,
                             const Metrics& metrics);

}  // namespace torchkeep
