#include "format/sharded/write.h"

#include <deque>
#include <set>
#include <utility>

#include "base/fail.h"
#include "format/named_tensors.h"
#include "format/sharded/index.h"
#include "format/sharded/split.h"
#include "io/atomic_file.h"
#include "io/file_operations.h"
#include "io/system_error.h"

namespace torchkeep::sharded {
namespace {

// The files that an earlier save to the path has left: its index and the shards that this names.
std::set<std::filesystem::path> earlier_files(const std::filesystem::path& path) {
  const std::filesystem::path index = index_path(path);
  std::set<std::filesystem::path> files;
  try {
    for (const auto& [name, file] : parse_index(io::read_file(index))) {
      // An index that someone else wrote may name anything.
      if (is_shard_name(path, file)) files.insert(path.parent_path() / file);
    }
    files.insert(index);
  } catch (const Error&) {
    // There is none, or none that says which files are its own.
  }
  return files;
}

Value as_value(const std::vector<NamedTensor>& tensors, const Value& attributes) {
  Dict dict(Dict::Type::ordered);
  for (const NamedTensor& named : tensors) dict.set(named.name, named.tensor);
  dict.set_attributes(attributes);
  return dict;
}

class Writer {
 public:
  Writer(const std::filesystem::path& path, const Format& format, SaveOptions options)
      : path_(path), format_(format), options_(std::move(options)) {}

  void write(const std::string& name, const Value& value) {
    const std::filesystem::path target = path_.parent_path() / name;
    try {
      io::AtomicFile& file = files_.emplace_back(target);
      format_.write(value, target, options_,
                    [&](std::span<const std::byte> bytes) { file.write(bytes); });
    } catch (Error& error) {
      error.add_place(io::at_path(target));
      throw;
    }
  }

  void write_index(const std::string& text) { files_.emplace_back(index_path(path_)).write(text); }

  // All at once, as far as a file system can: the index comes last.
  void commit() {
    for (io::AtomicFile& file : files_) file.commit(options_.durability);
  }

  // Removes what none of the new files has replaced.
  void remove(std::set<std::filesystem::path> earlier) const {
    for (const io::AtomicFile& file : files_) earlier.erase(file.target());
    for (const std::filesystem::path& file : earlier) {
      io::file_operations().remove(file.c_str());
    }
  }

 private:
  std::filesystem::path path_;
  const Format& format_;
  SaveOptions options_;
  std::deque<io::AtomicFile> files_;  // still under temporary names
};

void check(const Format& format, const SaveOptions& options) {
  if (format.holds == Holds::one_tensor) {
    fail(ErrorCode::invalid_argument, "a {} file cannot be split", format.name);
  }
  if (*options.max_shard_bytes == 0) {
    fail(ErrorCode::invalid_argument, "SaveOptions::max_shard_bytes is 0");
  }
}

}  // namespace

void save(const Value& value,
          const std::filesystem::path& path,
          const Format& format,
          const SaveOptions& options) {
  check(format, options);
  const bool keeps_sharing = format.holds == Holds::any_value;
  const NamedTensors named = named_tensors(
      value, options.nested, keeps_sharing ? SharedTensors::copy : options.shared, "sharded");
  const Split parts =
      split(named.tensors, *options.max_shard_bytes, keeps_sharing ? Sharing::kept : Sharing::none);
  const Value& attributes = value.as_dict().attributes();
  SaveOptions shard_options = options;
  shard_options.shared = SharedTensors::copy;
  for (const auto& alias : named.aliases) shard_options.metadata.push_back(alias);

  std::set<std::filesystem::path> earlier = earlier_files(path);
  Writer writer(path, format, shard_options);
  if (parts.shards.size() <= 1) {
    writer.write(path.filename().string(), as_value(named.tensors, attributes));
  } else {
    WeightMap weight_map;
    for (std::size_t i = 0; i < parts.shards.size(); ++i) {
      const std::string name = shard_name(path, i + 1, parts.shards.size());
      for (const NamedTensor& tensor : parts.shards[i]) weight_map.emplace_back(tensor.name, name);
      writer.write(name, as_value(parts.shards[i], attributes));
    }
    writer.write_index(make_index(weight_map, parts.total_bytes));
    // Other programs would prefer it to the index.
    earlier.insert(path);
  }
  writer.commit();
  writer.remove(std::move(earlier));
}

}  // namespace torchkeep::sharded
