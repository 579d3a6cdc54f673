// The formats of files: one entry of a table each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/load.h>
#include <torchkeep/save.h>
#include <torchkeep/value.h>

#include "format/zip/reader.h"
#include "io/input_file.h"

namespace torchkeep {

// What reading a file gives.
struct Loaded {
  Value value;
  std::vector<std::string> globals = {};  // of its pickles: "module.name", sorted, each once
  std::uint64_t bytes_elsewhere = 0;      // in other files that belong to it, such as shards
  std::uint64_t checked_bytes = 0;        // of those, in archives whose checksums were compared
};

// Takes the bytes of a file, in order.
using Sink = std::function<void(std::span<const std::byte>)>;

// What the formats look at to recognise a file, or a directory, as theirs. Not synchronised.
class Probe {
 public:
  // Opens the file. Throws as io::InputFile, but takes a directory.
  explicit Probe(std::filesystem::path path, const Limits& limits = {});

  const std::filesystem::path& path() const { return path_; }
  bool is_directory() const { return file_ == nullptr; }
  // Null for a directory.
  const std::shared_ptr<const io::InputFile>& file() const { return file_; }
  // The first bytes of the file: 512, or all if it has fewer; none of a directory.
  std::string_view head() const { return head_; }
  // The archive; null where the file does not begin as one. Throws where it is damaged.
  const zip::Reader* archive() const;

 private:
  std::filesystem::path path_;
  std::shared_ptr<const io::InputFile> file_;
  Limits limits_;
  std::string head_;
  mutable std::optional<zip::Reader> archive_;
};

// What a file of a format can hold.
enum class Holds {
  any_value,      // shared memory and strides, too
  named_tensors,  // a dict of tensors, contiguous ones that share nothing
  one_tensor
};

struct Format {
  std::string_view name;         // as `torchkeep inspect` shows it, such as "pt"
  std::string_view description;  // completes "this is ..."
  bool (*recognises)(const Probe& probe);
  Loaded (*read)(const Probe& probe, const LoadOptions& options);
  // Chooses the format for a path to write, in lower case with its dot; empty: only chosen by name.
  std::string_view extension = {};
  // The whole file for `path` into `sink`. The value is checked before the first byte is written.
  // Throws unsupported, naming the key, for what the format cannot hold; what the sink throws.
  // Null: torchkeep does not write it.
  void (*write)(const Value& value,
                const std::filesystem::path& path,
                const SaveOptions& options,
                const Sink& sink) = nullptr;
  Holds holds = Holds::any_value;  // of a format that is written
};

// In the order in which they are asked.
std::span<const Format> formats();

// The format that save() writes: the one with that name, or that of the path's extension, "pt"
// where it says nothing. Throws invalid_argument for one that torchkeep does not write.
const Format& format_to_write(const std::filesystem::path& path,
                              const std::optional<std::string>& name);

// The format of the file. Throws unsupported or corrupt, saying what the file looks like, where no
// format recognises it.
const Format& detect_format(const Probe& probe);

}  // namespace torchkeep
