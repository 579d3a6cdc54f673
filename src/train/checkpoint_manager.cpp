#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>

#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/delta.h>

#include "base/background_queue.h"
#include "base/fail.h"
#include "format/file_reference.h"
#include "format/pt/snapshot.h"
#include "io/atomic_file.h"
#include "io/block_cache.h"
#include "io/system_error.h"
#include "train/checkpoint_file.h"
#include "train/checkpoint_index.h"
#include "train/checkpoint_store.h"
#include "train/file_name.h"
#include "train/retention.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using Saving = CheckpointManagerOptions::Saving;

void check_at_least(const char* option, std::int64_t number, std::int64_t least) {
  if (number >= least) return;
  fail(ErrorCode::invalid_argument, "{} is {} (expected at least {})", option, number, least);
}

void check_options(const CheckpointManagerOptions& options) {
  if (options.save_top_k && *options.save_top_k < 0) {
    fail_at(ErrorCode::invalid_argument, {}, "leave it empty to keep all",
            "save_top_k is {} (expected at least 0)", *options.save_top_k);
  }
  if (options.save_top_k == 0 && !options.save_last) {
    fail(ErrorCode::invalid_argument,
         "save_top_k is 0 and save_last is off: nothing would be kept");
  }
  check_at_least("every_n_epochs", options.every_n_epochs, 1);
  check_at_least("every_n_steps", options.every_n_steps, 0);
  check_at_least("max_saves_in_flight", options.max_saves_in_flight, 1);
  if (!std::isfinite(options.every_n_minutes) || options.every_n_minutes < 0) {
    fail(ErrorCode::invalid_argument, "every_n_minutes is {} (expected at least 0)",
         options.every_n_minutes);
  }
  check_numbers(options.retention);
}

void make_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) io::throw_system_error(directory, "create the directory", error.value());
}

std::vector<fs::path> paths_of(const std::vector<CheckpointInfo>& checkpoints) {
  std::vector<fs::path> paths;
  for (const CheckpointInfo& info : checkpoints) paths.push_back(info.path);
  return paths;
}

}  // namespace

// The memory of the copies, which is used again.
class SnapshotMemory {
 public:
  Value copy(const Value& value) const { return pt::snapshot(value, cache_); }

 private:
  // As many blocks as there are saves in flight come back: none is to be freed.
  std::shared_ptr<io::BlockCache> cache_ = std::make_shared<io::BlockCache>(UINT64_MAX);
};

CheckpointManager::CheckpointManager(fs::path directory, CheckpointManagerOptions options)
    : directory_(std::move(directory)),
      options_(std::move(options)),
      last_save_(std::chrono::steady_clock::now()) {
  check_options(options_);
  file_name_ = std::make_unique<FileNameTemplate>(
      options_.filename.empty() ? default_file_name_template(options_.monitor) : options_.filename);
  if (!options_.delta_base.empty()) base_ = std::make_unique<DeltaBase>(options_.delta_base);
  make_directory(directory_);
  io::remove_abandoned_files(directory_);
  store_ = std::make_unique<CheckpointStore>(directory_, options_);
  planned_ = store_->list();
  if (options_.saving == Saving::blocking) return;
  snapshots_ = std::make_unique<SnapshotMemory>();
  queue_ =
      std::make_unique<BackgroundQueue>(static_cast<std::size_t>(options_.max_saves_in_flight));
}

CheckpointManager::~CheckpointManager() = default;
CheckpointManager::CheckpointManager(CheckpointManager&&) noexcept = default;

CheckpointManager& CheckpointManager::operator=(CheckpointManager&& other) noexcept {
  queue_.reset();  // finishes what is being written to the store
  directory_ = std::move(other.directory_);
  options_ = std::move(other.options_);
  file_name_ = std::move(other.file_name_);
  base_ = std::move(other.base_);
  store_ = std::move(other.store_);
  planned_ = std::move(other.planned_);
  snapshots_ = std::move(other.snapshots_);
  queue_ = std::move(other.queue_);
  last_save_ = other.last_save_;
  return *this;
}

// After a failure what was planned need not be what there is.
template <class Call>
void CheckpointManager::or_plan_anew(Call call) {
  try {
    call();
  } catch (...) {
    planned_ = store_->list();
    throw;
  }
}

void CheckpointManager::make_room() {
  if (queue_) or_plan_anew([this] { queue_->make_room(); });
}

CheckpointInfo CheckpointManager::placed(CheckpointInfo info, const std::string& file_name) const {
  info.path = unused_path(directory_, file_name, paths_of(planned_));
  info.number = planned_.empty() ? 1 : planned_.back().number + 1;
  return info;
}

std::vector<CheckpointInfo> CheckpointManager::planned_with(const CheckpointInfo& info) const {
  std::vector<CheckpointInfo> checkpoints = planned_;
  checkpoints.push_back(info);
  const std::vector<bool> stay = store_->staying(checkpoints);
  std::vector<CheckpointInfo> staying;
  for (std::size_t i = 0; i < stay.size(); ++i) {
    if (stay[i]) staying.push_back(std::move(checkpoints[i]));
  }
  return staying;
}

std::optional<fs::path> CheckpointManager::save(const Value& checkpoint, const Metrics& metrics) {
  make_room();
  CheckpointInfo info = describe(checkpoint);
  if (!wants(info.epoch)) return std::nullopt;
  info.metrics = metrics;
  for (const std::string& monitor : {options_.monitor, options_.retention.monitor}) {
    if (!monitor.empty()) metric(metrics, monitor);
  }
  info = placed(info, file_name_->format(info.epoch, info.step, metrics));
  const std::vector<CheckpointInfo> staying = planned_with(info);
  if (staying.empty() || staying.back().number != info.number) return std::nullopt;
  return write(checkpoint, std::move(info));
}

fs::path CheckpointManager::save_intermediate(const Value& checkpoint) {
  make_room();
  CheckpointInfo info = describe(checkpoint);
  info.metrics.clear();
  info.intermediate = true;
  return write(checkpoint, placed(info, fmt::format("step_{}.pt", info.step)));
}

fs::path CheckpointManager::write(const Value& checkpoint, CheckpointInfo info) {
  Value content = annotate(checkpoint, info, options_);
  if (base_) {
    const Value rest = base_->subtract(content, directory_);
    if (rest.identity() != content.identity()) {
      info.base = (directory_ / relative_path(base_->path(), directory_)).lexically_normal();
      content = rest;
    }
  }
  last_save_ = std::chrono::steady_clock::now();
  if (queue_) {
    queue_->add([store = store_.get(), copy = snapshots_->copy(content), info] {
      store->commit(copy, info);
    });
    planned_ = planned_with(info);
  } else {
    or_plan_anew([&] { store_->commit(content, info); });
    planned_ = store_->list();
  }
  return info.path;
}

void CheckpointManager::wait() {
  if (queue_) or_plan_anew([this] { queue_->finish(); });
}

std::vector<CheckpointInfo> CheckpointManager::take_written() { return store_->take_written(); }

std::vector<CheckpointInfo> CheckpointManager::list() const { return store_->list(); }

bool CheckpointManager::wants(int epoch) const {
  return (epoch + 1) % options_.every_n_epochs == 0;
}

bool CheckpointManager::wants_step(std::int64_t step) const {
  if (options_.every_n_steps > 0 && step % options_.every_n_steps == 0) return true;
  const std::chrono::duration<double, std::ratio<60>> minutes =
      std::chrono::steady_clock::now() - last_save_;
  return options_.every_n_minutes > 0 && minutes.count() >= options_.every_n_minutes;
}

std::optional<CheckpointInfo> CheckpointManager::best() const {
  return best_checkpoint(list(), options_.monitor, options_.mode);
}

std::optional<CheckpointInfo> CheckpointManager::last() const {
  const std::vector<CheckpointInfo> checkpoints = list();
  if (checkpoints.empty()) return std::nullopt;
  return checkpoints.back();
}

void CheckpointManager::protect(const fs::path& path) { store_->protect(path); }

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
