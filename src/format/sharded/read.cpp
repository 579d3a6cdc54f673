#include "format/sharded/read.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "base/fail.h"
#include "base/printable.h"
#include "format/load_file.h"
#include "format/sharded/index.h"
#include "io/system_error.h"

namespace torchkeep::sharded {
namespace {

constexpr std::string_view kExtension = ".index.json";
constexpr std::uint64_t kMostIndexBytes = std::uint64_t{256} << 20;

std::string read_index(const io::InputFile& file) {
  if (file.size() > kMostIndexBytes) {
    fail(ErrorCode::unsafe, "the index is too long (expected at most {} bytes, got {})",
         kMostIndexBytes, file.size());
  }
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

WeightMap weight_map_of(const Probe& index) { return parse_index(read_index(*index.file())); }

// Each once, in the order of the index.
std::vector<std::string> file_names(const WeightMap& weight_map) {
  std::vector<std::string> files;
  std::set<std::string> seen;
  for (const auto& [name, file] : weight_map) {
    if (seen.insert(file).second) files.push_back(file);
  }
  return files;
}

class ShardReader {
 public:
  ShardReader(const Probe& probe, const LoadOptions& options)
      : directory_(probe.path().parent_path()),
        options_(options),
        weight_map_(weight_map_of(probe)) {}

  Loaded read() {
    const std::vector<std::string> files = file_names(weight_map_);
    // All are looked for before the first is read.
    for (const std::string& file : files) check_exists(file);
    for (const std::string& file : files) load_shard(file);
    Dict tensors(Dict::Type::ordered);
    for (const auto& [name, file] : weight_map_) tensors.set(name, tensor_of(name, file));
    for (const auto& [name, found] : in_order_) {
      if (!tensors.contains(name)) tensors.set(name, *found);
    }
    tensors.set_attributes(attributes_);
    Loaded loaded{std::move(tensors)};
    loaded.globals.assign(globals_.begin(), globals_.end());
    loaded.bytes_elsewhere = bytes_;
    return loaded;
  }

 private:
  struct Found {
    std::string file;
    Value tensor;
  };

  void check_exists(const std::string& file) const {
    const std::filesystem::path path = directory_ / file;
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) {
      fail_at(ErrorCode::not_found, io::at_path(path), "copy or download it, too",
              "the index names this shard, but there is no such file");
    }
    // An index inside an index could go on for ever.
    if (file.ends_with(kExtension) || !std::filesystem::is_regular_file(path, ignored)) {
      fail_at(ErrorCode::corrupt, io::at_path(path), "", "is no shard of a state dict");
    }
  }

  void load_shard(const std::string& file) {
    const std::filesystem::path path = directory_ / file;
    LoadedFile shard = load_file(path, options_);
    bytes_ += shard.file_bytes;
    globals_.insert(shard.content.globals.begin(), shard.content.globals.end());
    if (!shard.content.value.is_dict()) {
      fail_at(ErrorCode::corrupt, io::at_path(path), "", "holds no dict of tensors (got {})",
              name(shard.content.value.kind()));
    }
    const Dict& dict = shard.content.value.as_dict();
    keep_attributes(dict.attributes());
    for (const auto& [key, value] : dict) add(path, key, value);
  }

  void add(const std::filesystem::path& path, const Value& key, const Value& value) {
    Place place = io::at_path(path);
    place.tensor = key.is_string() ? printable(key.as_string()) : to_string(key);
    if (!key.is_string() || !value.is_tensor()) {
      fail_at(ErrorCode::corrupt, place, "", "is no tensor with a name (got {})",
              name(value.kind()));
    }
    const auto [found, added] =
        tensors_.try_emplace(key.as_string(), Found{path.filename().string(), value});
    if (!added) {
      fail_at(ErrorCode::corrupt, place, "", "is in another shard as well, {}", found->second.file);
    }
    in_order_.emplace_back(key.as_string(), &found->second.tensor);
  }

  void keep_attributes(const Value& attributes) {
    if (!has_attributes_) attributes_ = attributes;
    has_attributes_ = true;
    if (!equal(attributes_, attributes)) attributes_ = Value();
  }

  const Value& tensor_of(const std::string& name, const std::string& file) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end() || found->second.file != file) {
      Place place = io::at_path(directory_ / file);
      place.tensor = printable(name);
      fail_at(ErrorCode::corrupt, place, "take shards and index from one save",
              "the index says that this shard has the tensor, but it has not");
    }
    return found->second.tensor;
  }

  std::filesystem::path directory_;
  const LoadOptions& options_;
  WeightMap weight_map_;
  std::unordered_map<std::string, Found> tensors_;  // of all shards
  std::vector<std::pair<std::string, const Value*>> in_order_;
  std::set<std::string> globals_;
  std::uint64_t bytes_ = 0;
  Value attributes_;
  bool has_attributes_ = false;
};

}  // namespace

bool recognises(const Probe& probe) {
  const std::size_t first = probe.head().find_first_not_of(" \t\r\n");
  return probe.path().filename().string().ends_with(kExtension) &&
         first != std::string_view::npos && probe.head()[first] == '{';
}

std::vector<std::filesystem::path> shard_paths(const Probe& index) {
  std::vector<std::filesystem::path> paths;
  for (const std::string& file : file_names(weight_map_of(index))) {
    paths.push_back(index.path().parent_path() / file);
  }
  return paths;
}

Loaded read(const Probe& probe, const LoadOptions& options) {
  return ShardReader(probe, options).read();
}

}  // namespace torchkeep::sharded
