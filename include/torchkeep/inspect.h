// What is in a file, without loading it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/delta.h>
#include <torchkeep/load.h>
#include <torchkeep/module_tree.h>
#include <torchkeep/value.h>

namespace torchkeep {

struct TensorSummary {
  std::string name;  // the keys on the way to it, joined with dots
  DType dtype = DType::float32;
  Shape shape;
  std::uint64_t bytes = 0;            // of its elements
  std::optional<std::string> sha256;  // of its elements in row-major order, little-endian
};

struct Summary {
  std::filesystem::path path;
  std::string format;  // "pt", "cpp", "torchscript", "safetensors", "npz", "sharded", "dcp", ...
  std::uint64_t file_bytes = 0;
  std::vector<TensorSummary> tensors;
  std::vector<std::pair<std::string, Value>> values;  // all other leaves, by dotted name
  // The whole model that the file holds, if it holds one, and the key it stands under ("" for the
  // file itself). Where there is one that module_tree() refuses, what is wrong with it instead.
  std::optional<ModuleTree> modules;
  std::string modules_key;
  std::string modules_problem;
  std::optional<DeltaInfo> delta;    // of a file that stores only what differs from its base
  std::vector<std::string> globals;  // the Python classes and functions the pickle names, sorted
};

struct InspectOptions {
  enum class Hash { none, sha256 };
  Hash hash = Hash::none;
  Limits limits = {};
};

// Maps the file and reads its structure: the cost does not grow with the tensors unless hashes are
// asked for. Throws as load().
Summary inspect(const std::filesystem::path& path, const InspectOptions& options = {});

// For people: the format, the values and a table of the tensors.
std::string to_string(const Summary& summary);
// One JSON document, as `torchkeep inspect --json` prints it. A file with a whole model has
// `modules`: for each path in it `name`, `class`, `training`, `attributes` (the plain ones),
// `parameters` and `buffers` by name (`dtype`, `shape`, `trainable`; null for None), or only
// `same_as` for a module that an earlier path leads to.
std::string to_json(const Summary& summary);

}  // namespace torchkeep
