#include "train/checkpoint_store.h"

#include <algorithm>
#include <cstdint>
#include <unordered_set>
#include <utility>

#include "base/fail.h"
#include "data/leaves.h"
#include "format/load_file.h"
#include "io/file_operations.h"
#include "io/system_error.h"
#include "train/checkpoint_index.h"
#include "train/deletion.h"
#include "train/retention.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;

// The bytes of the tensors; those that share memory count once.
std::uint64_t tensor_bytes(const Value& value) {
  std::unordered_set<const std::byte*> seen;
  std::uint64_t bytes = 0;
  visit_leaves(value, [&](const std::string&, const Value& leaf) {
    if (!leaf.is_tensor()) return;
    const Storage& storage = leaf.as_tensor().storage();
    if (seen.insert(storage.bytes().data()).second) bytes += storage.size_bytes();
  });
  return bytes;
}

// Better than to fail after gigabytes, and to fill a disk that others need.
void require_space(const fs::path& directory, const Value& checkpoint) {
  constexpr std::uint64_t kForTheRest = 64 << 10;
  const std::uint64_t needed = tensor_bytes(checkpoint) + kForTheRest;
  const std::uint64_t free = io::file_operations().free_bytes(directory.c_str());
  if (free >= needed) return;
  fail_at(ErrorCode::io, io::at_path(directory), "free some space or choose another disk",
          "too little space for a checkpoint (needs {} bytes, {} are free)", needed, free);
}

// Reads every byte back and compares the checksums.
void require_readable(const fs::path& path) {
  load_file(path, {.access = Access::map, .verify = Verify::everything}, Deltas::as_stored);
}

std::vector<CheckpointInfo> written_by_managers(const fs::path& directory) {
  std::vector<CheckpointInfo> checkpoints = list_checkpoints(directory);
  std::erase_if(checkpoints, [](const CheckpointInfo& info) { return info.number == 0; });
  return checkpoints;
}

}  // namespace

CheckpointStore::CheckpointStore(fs::path directory, CheckpointManagerOptions options)
    : directory_(std::move(directory)),
      options_(std::move(options)),
      checkpoints_(written_by_managers(directory_)) {}

void CheckpointStore::commit(const Value& checkpoint, CheckpointInfo info) {
  require_space(directory_, checkpoint);
  save(checkpoint, info.path, options_.save);
  try {
    require_readable(info.path);
  } catch (const Error&) {
    let_go(info.path, Deletion::remove);
    throw;
  }
  std::error_code error;
  info.file_bytes = fs::file_size(info.path, error);
  {
    const std::lock_guard lock(mutex_);
    checkpoints_.push_back(info);
    written_.push_back(std::move(info));
  }
  prune();
}

void CheckpointStore::protect(const fs::path& path) {
  const std::lock_guard lock(mutex_);
  protected_.push_back(path);
}

std::vector<CheckpointInfo> CheckpointStore::list() const {
  const std::lock_guard lock(mutex_);
  return checkpoints_;
}

std::vector<CheckpointInfo> CheckpointStore::take_written() {
  const std::lock_guard lock(mutex_);
  return std::exchange(written_, {});
}

bool CheckpointStore::is_protected(const fs::path& path) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(protected_.begin(), protected_.end(), [&](const fs::path& other) {
    std::error_code error;  // a file that is not there needs no protection
    return fs::equivalent(path, other, error);
  });
}

std::vector<bool> CheckpointStore::staying(const std::vector<CheckpointInfo>& checkpoints) const {
  std::vector<bool> stay = worth_keeping(checkpoints, options_);
  for (std::size_t i = 0; i < checkpoints.size(); ++i) {
    if (!stay[i] && is_protected(checkpoints[i].path)) stay[i] = true;
  }
  keep_bases(checkpoints, stay);
  return stay;
}

void CheckpointStore::prune() {
  const std::vector<CheckpointInfo> all = list();
  const std::vector<bool> stay = staying(all);
  CheckpointIndex index{.monitor = options_.monitor, .mode = options_.mode};
  std::vector<CheckpointInfo> dropped;
  for (std::size_t i = 0; i < all.size(); ++i) {
    (stay[i] ? index.checkpoints : dropped).push_back(all[i]);
  }
  write_checkpoint_index(directory_, index, options_.save.durability);
  for (const CheckpointInfo& old : dropped) {
    let_go(old.path, old.intermediate ? Deletion::remove : options_.deletion);
    const std::lock_guard lock(mutex_);
    std::erase_if(checkpoints_, [&](const CheckpointInfo& info) { return info.path == old.path; });
  }
}

}  // namespace torchkeep
