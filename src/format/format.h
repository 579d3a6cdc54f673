// The formats of files: one entry of a table each.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/load.h>
#include <torchkeep/value.h>

#include "format/zip/reader.h"
#include "io/input_file.h"

namespace torchkeep {

// What reading a file gives.
struct Loaded {
  Value value;
  std::vector<std::string> globals;  // of its pickles: "module.name", sorted, each once
};

// What the formats look at to recognise a file as theirs. Not synchronised.
class Probe {
 public:
  explicit Probe(std::shared_ptr<const io::InputFile> file, const Limits& limits);

  const std::shared_ptr<const io::InputFile>& file() const { return file_; }
  // The first bytes of the file: 512, or all if it has fewer.
  std::string_view head() const { return head_; }
  // The archive; null where the file does not begin as one. Throws where it is damaged.
  const zip::Reader* archive() const;

 private:
  std::shared_ptr<const io::InputFile> file_;
  Limits limits_;
  std::string head_;
  mutable std::optional<zip::Reader> archive_;
};

struct Format {
  std::string_view name;         // as `torchkeep inspect` shows it, such as "pt"
  std::string_view description;  // completes "this is ..."
  bool (*recognises)(const Probe& probe);
  // Null: recognised, but not read by this version.
  Loaded (*read)(const Probe& probe, const LoadOptions& options);
};

// In the order in which they are asked.
std::span<const Format> formats();

// The format of the file. Throws unsupported or corrupt, saying what the file looks like, where no
// format recognises it.
const Format& detect_format(const Probe& probe);

}  // namespace torchkeep
