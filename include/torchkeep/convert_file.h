// Writing a file again in another format, with other names or other element types.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/dtype.h>
#include <torchkeep/limits.h>
#include <torchkeep/save.h>

namespace torchkeep {

struct ConvertOptions {
  enum class Casts { floating_point, all };
  enum class NonTensors { refuse, drop };
  enum class WholeModel { as_it_is, state_dict };

  std::optional<std::string> format = std::nullopt;  // as SaveOptions::format
  // Of a pt; nothing: that of the source where it is one, else the latest.
  std::optional<Layout> layout = std::nullopt;
  std::optional<std::string> root_name = std::nullopt;  // of a pt
  Manifest manifest = Manifest::none;                   // of a pt
  // Splits a dict of tensors into files, as SaveOptions has it.
  std::optional<std::uint64_t> max_shard_bytes = std::nullopt;
  Durability durability = Durability::synced;

  // The part to convert, as a dotted path such as "model_state_dict"; empty: all.
  std::string key = {};

  // What a whole model becomes. A format that holds only tensors always gets its state dict.
  WholeModel whole_model = WholeModel::as_it_is;

  // Changes of names, in this order. All need a state dict: name it with `key`, or write a format
  // of named tensors, for which the keys on the way to a tensor are joined with dots. Each must
  // find a name, but for `exclude`. Globs have "*" and "?", which also span dots.
  std::vector<std::string> include = {};         // globs; empty: all
  std::vector<std::string> exclude = {};         // globs
  std::vector<std::string> strip_prefixes = {};  // each once, one after the other
  // From and to. A "*" in `from` stands for any text, which the "*" of the same place in `to` gives
  // back. The first that matches a name changes it.
  std::vector<std::pair<std::string, std::string>> renamings = {};
  std::string add_prefix = {};

  // The type of tensors, see cast(); of floating-point ones, real or complex by their kind, or of
  // all whose type has numbers.
  std::optional<DType> dtype = std::nullopt;
  Casts casts = Casts::floating_point;

  // Values that are no tensors, for a format that holds only tensors.
  NonTensors non_tensors = NonTensors::refuse;
  Limits limits = {};
};

struct Conversion {
  std::string format_from;
  std::string format_to;
  std::uint64_t tensors = 0;  // written
  std::uint64_t bytes = 0;    // of their elements
  bool rewritten = false;     // the file was copied as it is: the same layout, root and pickle
  std::vector<std::string> dropped;   // names of values that are no tensors
  std::vector<std::string> warnings;  // what the new file cannot say, one sentence each
};

// Reads `from`, comparing its checksums, and writes `to`, which may be the same, as save() does. A
// pt that becomes a pt without any other option keeps its layout, its root and its pickle: what
// PyTorch wrote comes out byte for byte. Throws as load(), save() and cast(); not_found for a key,
// a name or a glob that nothing has; invalid_argument for two tensors of one name; unsupported for
// values that the format cannot hold, unless they are to be dropped. Nothing is written then.
Conversion convert_file(const std::filesystem::path& from,
                        const std::filesystem::path& to,
                        const ConvertOptions& options = {});

std::string to_string(const Conversion& conversion);
// One JSON document, as `torchkeep convert --json` prints it.
std::string to_json(const Conversion& conversion);

}  // namespace torchkeep
