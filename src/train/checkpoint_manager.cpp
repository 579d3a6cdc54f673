#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <unordered_set>
#include <utility>

#include <torchkeep/checkpoint_manager.h>

#include "base/fail.h"
#include "data/leaves.h"
#include "io/atomic_file.h"
#include "io/file_operations.h"
#include "io/system_error.h"
#include "train/checkpoint_file.h"
#include "train/checkpoint_index.h"
#include "train/file_name.h"
#include "train/retention.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;

void check_options(const CheckpointManagerOptions& options) {
  if (options.save_top_k && *options.save_top_k < 0) {
    fail_at(ErrorCode::invalid_argument, {}, "leave it empty to keep all",
            "save_top_k is {} (expected at least 0)", *options.save_top_k);
  }
  if (options.save_top_k == 0 && !options.save_last) {
    fail(ErrorCode::invalid_argument,
         "save_top_k is 0 and save_last is off: nothing would be kept");
  }
  if (options.every_n_epochs < 1) {
    fail(ErrorCode::invalid_argument, "every_n_epochs is {} (expected at least 1)",
         options.every_n_epochs);
  }
  if (options.every_n_steps < 0) {
    fail(ErrorCode::invalid_argument, "every_n_steps is {} (expected at least 0)",
         options.every_n_steps);
  }
}

void make_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) io::throw_system_error(directory, "create the directory", error.value());
}

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
  load(path, {.access = Access::map, .verify = Verify::everything});
}

// A file that somebody else has deleted is gone as well.
void remove_file(const fs::path& path) {
  if (io::file_operations().remove(path.c_str()) < 0 && errno != ENOENT) {
    io::throw_system_error(path, "delete the old checkpoint");
  }
}

}  // namespace

CheckpointManager::CheckpointManager(fs::path directory, CheckpointManagerOptions options)
    : directory_(std::move(directory)), options_(std::move(options)) {
  check_options(options_);
  file_name_ = std::make_unique<FileNameTemplate>(
      options_.filename.empty() ? default_file_name_template(options_.monitor) : options_.filename);
  make_directory(directory_);
  io::remove_abandoned_files(directory_);
  checkpoints_ = list_checkpoints(directory_);
  std::erase_if(checkpoints_, [](const CheckpointInfo& info) { return info.number == 0; });
}

CheckpointManager::~CheckpointManager() = default;
CheckpointManager::CheckpointManager(CheckpointManager&&) noexcept = default;
CheckpointManager& CheckpointManager::operator=(CheckpointManager&&) noexcept = default;

std::optional<fs::path> CheckpointManager::save(const Value& checkpoint, const Metrics& metrics) {
  CheckpointInfo info = describe(checkpoint);
  if (!wants(info.epoch)) return std::nullopt;
  info.metrics = metrics;
  if (!options_.monitor.empty()) metric(metrics, options_.monitor);
  info.path = unused_path(file_name_->format(info.epoch, info.step, metrics));
  info.number = next_number();

  std::vector<CheckpointInfo> with_new = checkpoints_;
  with_new.push_back(info);
  if (!worth_keeping(with_new, options_).back()) return std::nullopt;

  const fs::path path = info.path;
  write(checkpoint, std::move(info));
  return path;
}

fs::path CheckpointManager::save_intermediate(const Value& checkpoint) {
  CheckpointInfo info = describe(checkpoint);
  info.metrics.clear();
  info.path = unused_path(fmt::format("step_{}.pt", info.step));
  info.number = next_number();
  info.intermediate = true;
  const fs::path path = info.path;
  write(checkpoint, std::move(info));
  return path;
}

void CheckpointManager::write(const Value& checkpoint, CheckpointInfo info) {
  require_space(directory_, checkpoint);
  torchkeep::save(annotate(checkpoint, info, options_), info.path, options_.save);
  try {
    require_readable(info.path);
  } catch (const Error&) {
    remove_file(info.path);
    throw;
  }
  std::error_code error;
  info.file_bytes = fs::file_size(info.path, error);
  checkpoints_.push_back(std::move(info));
  prune();
}

bool CheckpointManager::wants(int epoch) const {
  return (epoch + 1) % options_.every_n_epochs == 0;
}

bool CheckpointManager::wants_step(std::int64_t step) const {
  return options_.every_n_steps > 0 && step % options_.every_n_steps == 0;
}

std::optional<CheckpointInfo> CheckpointManager::best() const {
  return best_checkpoint(checkpoints_, options_.monitor, options_.mode);
}

std::optional<CheckpointInfo> CheckpointManager::last() const {
  if (checkpoints_.empty()) return std::nullopt;
  return checkpoints_.back();
}

void CheckpointManager::protect(const fs::path& path) { protected_.push_back(path); }

std::int64_t CheckpointManager::next_number() const {
  return checkpoints_.empty() ? 1 : checkpoints_.back().number + 1;
}

bool CheckpointManager::is_protected(const fs::path& path) const {
  return std::any_of(protected_.begin(), protected_.end(), [&](const fs::path& other) {
    std::error_code error;  // a file that is not there needs no protection
    return fs::equivalent(path, other, error);
  });
}

fs::path CheckpointManager::unused_path(const std::string& file_name) const {
  fs::path path = directory_ / file_name;
  std::error_code error;
  for (int version = 1; fs::exists(fs::symlink_status(path, error)); ++version) {
    path = directory_ / with_version(file_name, version);
  }
  return path;
}

void CheckpointManager::prune() {
  const std::vector<bool> keep = worth_keeping(checkpoints_, options_);
  CheckpointIndex index{.monitor = options_.monitor, .mode = options_.mode};
  std::vector<fs::path> dropped;
  for (std::size_t i = 0; i < checkpoints_.size(); ++i) {
    if (keep[i] || is_protected(checkpoints_[i].path)) {
      index.checkpoints.push_back(checkpoints_[i]);
    } else {
      dropped.push_back(checkpoints_[i].path);
    }
  }
  write_checkpoint_index(directory_, index, options_.save.durability);
  for (const fs::path& path : dropped) {
    remove_file(path);
    std::erase_if(checkpoints_, [&](const CheckpointInfo& info) { return info.path == path; });
  }
}

std::vector<CheckpointInfo> list_checkpoints(const fs::path& directory) {
  return scan_checkpoints(directory).index.checkpoints;
}

std::optional<CheckpointInfo> best_checkpoint(const fs::path& directory) {
  const CheckpointIndex index = scan_checkpoints(directory).index;
  return best_checkpoint(index.checkpoints, index.monitor, index.mode);
}

FoundCheckpoint load_last_checkpoint(const fs::path& directory, const LoadOptions& options) {
  ScannedDirectory scanned = scan_checkpoints(directory);
  std::vector<CheckpointInfo>& checkpoints = scanned.index.checkpoints;
  FoundCheckpoint found{.skipped = std::move(scanned.unreadable)};
  for (; !checkpoints.empty(); checkpoints.pop_back()) {
    try {
      found.value = load(checkpoints.back().path, options);
      found.info = std::move(checkpoints.back());
      return found;
    } catch (const Error& error) {
      found.skipped.push_back(error);
    }
  }
  std::string problems;
  for (const Error& error : found.skipped) problems += fmt::format("\n  {}", error.what());
  fail_at(ErrorCode::not_found, io::at_path(directory), "", "there is no checkpoint that loads{}",
          problems);
}

}  // namespace torchkeep
