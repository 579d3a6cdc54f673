#include "train/checkpoint_index.h"

#include <algorithm>
#include <tuple>

#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "io/atomic_file.h"
#include "io/system_error.h"
#include "train/checkpoint_file.h"
#include "train/metrics_json.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kFileName = "checkpoints.json";
constexpr const char* kFormat = "torchkeep.checkpoints";
constexpr int kVersion = 1;

// A name from the index must not lead out of the directory.
fs::path path_in(const fs::path& directory, const std::string& file_name) {
  const fs::path name(file_name);
  if (name.empty() || name != name.filename() || file_name == "." || file_name == "..") {
    fail(ErrorCode::corrupt, "\"{}\" is no file name", file_name);
  }
  return directory / name;
}

// Only ever compared with the paths of checkpoints.
fs::path base_in(const fs::path& directory, const Json& json) {
  const auto base = json.value("base", std::string());
  return base.empty() ? fs::path() : (directory / base).lexically_normal();
}

CheckpointInfo entry_from_json(const fs::path& directory, const Json& json) {
  return {.path = path_in(directory, json.at("file").get<std::string>()),
          .epoch = json.at("epoch").get<int>(),
          .step = json.at("step").get<std::int64_t>(),
          .metrics = metrics_from_json(json.at("metrics")),
          .file_bytes = json.at("bytes").get<std::uint64_t>(),
          .number = json.at("number").get<std::int64_t>(),
          .intermediate = json.value("intermediate", false),
          .base = base_in(directory, json)};
}

Json entry_to_json(const CheckpointInfo& info) {
  Json json = {{"file", info.path.filename().string()},
               {"number", info.number},
               {"epoch", info.epoch},
               {"step", info.step},
               {"metrics", to_json(info.metrics)},
               {"bytes", info.file_bytes}};
  if (info.intermediate) json["intermediate"] = true;
  if (!info.base.empty()) {
    json["base"] = info.base.lexically_proximate(info.path.parent_path()).string();
  }
  return json;
}

// An empty index where the file is missing, damaged or of another version: the files tell the same.
CheckpointIndex read_index(const fs::path& directory) {
  try {
    const Json json = Json::parse(io::read_file(directory / kFileName));
    if (json.at("format") != kFormat || json.at("version") != kVersion) return {};
    CheckpointIndex index{
        .monitor = json.at("monitor").get<std::string>(),
        .mode = mode_from_name(json.at("mode").get<std::string>()).value_or(Mode::min)};
    for (const Json& entry : json.at("checkpoints")) {
      index.checkpoints.push_back(entry_from_json(directory, entry));
    }
    return index;
  } catch (const Json::exception&) {
    return {};
  } catch (const Error&) {
    return {};
  }
}

bool has_name_of_a_checkpoint(const fs::path& path) {
  const fs::path extension = path.extension();
  return extension == ".pt" || extension == ".pth" || extension == ".ckpt";
}

std::vector<fs::path> candidate_files(const fs::path& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    fail_at(ErrorCode::not_found, io::at_path(directory), "name the directory of a run",
            "there is no such directory");
  }
  std::vector<fs::path> files;
  fs::directory_iterator entries(directory, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::error_code ignored;
    if (has_name_of_a_checkpoint(entries->path()) && entries->is_regular_file(ignored)) {
      files.push_back(entries->path());
    }
  }
  if (error) io::throw_system_error(directory, "list the directory", error.value());
  return files;
}

bool older(const CheckpointInfo& a, const CheckpointInfo& b) {
  return std::tie(a.number, a.epoch, a.step, a.path) < std::tie(b.number, b.epoch, b.step, b.path);
}

}  // namespace

ScannedDirectory scan_checkpoints(const fs::path& directory) {
  const std::vector<fs::path> files = candidate_files(directory);
  CheckpointIndex old = read_index(directory);
  ScannedDirectory scanned{.index = {.monitor = old.monitor, .mode = old.mode}};
  std::vector<CheckpointInfo>& found = scanned.index.checkpoints;
  std::int64_t newest = 0;
  for (const fs::path& file : files) {
    std::error_code error;
    const std::uint64_t bytes = fs::file_size(file, error);
    const auto known = std::find_if(
        old.checkpoints.begin(), old.checkpoints.end(),
        [&](const auto& entry) { return entry.path == file && entry.file_bytes == bytes; });
    if (known != old.checkpoints.end()) {
      found.push_back(*known);
      continue;
    }
    try {
      const auto description = read_description(file);
      if (!description) continue;
      found.push_back(description->info);
      // Without an index the newest file tells what was monitored.
      if (old.checkpoints.empty() && description->info.number > newest) {
        newest = description->info.number;
        scanned.index.monitor = description->monitor;
        scanned.index.mode = description->mode;
      }
    } catch (const Error& problem) {
      scanned.unreadable.push_back(problem);
    }
  }
  std::sort(found.begin(), found.end(), older);
  return scanned;
}

void write_checkpoint_index(const fs::path& directory,
                            const CheckpointIndex& index,
                            Durability durability) {
  Json entries = Json::array();
  for (const CheckpointInfo& info : index.checkpoints) entries.push_back(entry_to_json(info));
  const Json json = {{"format", kFormat},
                     {"version", kVersion},
                     {"monitor", index.monitor},
                     {"mode", std::string(name(index.mode))},
                     {"checkpoints", std::move(entries)}};
  constexpr int kIndent = 2;
  io::write_file(directory / kFileName, json.dump(kIndent) + "\n", durability);
}

}  // namespace torchkeep
