// The files of a run: what is written, verified, listed and let go, in this order.
#pragma once

#include <filesystem>
#include <mutex>
#include <vector>

#include <torchkeep/checkpoint_manager.h>

namespace torchkeep {

// Thread-safe, but for two calls of commit() at once.
class CheckpointStore {
 public:
  // Takes over what managers have left in the directory, which exists.
  CheckpointStore(std::filesystem::path directory, CheckpointManagerOptions options);

  // Writes the file that `info` names, reads it again, replaces the index and lets go of what need
  // not be kept. Throws as CheckpointManager::save().
  void commit(const Value& checkpoint, CheckpointInfo info);

  void protect(const std::filesystem::path& path);

  // What is there, oldest first.
  std::vector<CheckpointInfo> list() const;
  // Those that were written since the last call.
  std::vector<CheckpointInfo> take_written();

  // For each checkpoint (oldest first) whether it stays: because the options ask for it, it is
  // protected, or another one that stays needs it as its base.
  std::vector<bool> staying(const std::vector<CheckpointInfo>& checkpoints) const;

 private:
  void prune();
  bool is_protected(const std::filesystem::path& path) const;

  const std::filesystem::path directory_;
  const CheckpointManagerOptions options_;
  mutable std::mutex mutex_;
  std::vector<CheckpointInfo> checkpoints_;
  std::vector<CheckpointInfo> written_;
  std::vector<std::filesystem::path> protected_;
};

}  // namespace torchkeep
