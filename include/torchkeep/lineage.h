// Where a checkpoint comes from: the files it started from, back to the pretrained weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <torchkeep/value.h>

namespace torchkeep {

struct LineageOptions {
  std::filesystem::path parent = {};      // the file that a training starts from; empty: none
  std::vector<std::string> command = {};  // the program that trains, and its arguments
};

// What a training keeps as `lineage` in its checkpoints in `directory`: a dict of `command`, a list
// or none, and `parent`, none or a dict of `path` (relative), `bytes`, `sha256` and what the parent
// says of itself: `epoch`, `global_step`, `versions`, `lineage`. Reads the parent once. Throws as
// load().
Value make_lineage(const std::filesystem::path& directory, const LineageOptions& options);

// The same for a training that goes on with `checkpoint`, which was loaded from `path`: in the
// directory of that file what the checkpoint has noted, and elsewhere the checkpoint as the parent.
// `started` is what make_lineage() has noted for this training, or none. Throws as make_lineage().
Value continued_lineage(const Value& checkpoint,
                        const std::filesystem::path& path,
                        const std::filesystem::path& directory,
                        const Value& started);

// One file of a chain.
struct LineageStep {
  std::filesystem::path path;
  enum class State {
    unchanged,
    changed,  // its bytes are not those that its child started from
    missing
  };
  State state = State::unchanged;
  std::string sha256 = {};  // that its child noted; empty for the last, which has no child
  std::uint64_t bytes = 0;
  std::optional<std::int64_t> epoch = std::nullopt;
  std::optional<std::int64_t> step = std::nullopt;
  std::vector<std::string> command = {};  // that wrote it; empty where it is not known
  std::vector<std::pair<std::string, std::string>> versions = {};  // that wrote it
};
std::string_view name(LineageStep::State state);

// The chain, from the oldest file that is known to `file` itself. Each is compared with what its
// child noted; one that is missing or was changed is named as such, and the chain goes on by the
// notes. A file without notes is a chain of one. Throws as load(); corrupt where the notes make no
// sense; unsafe for more than 1,000 files.
std::vector<LineageStep> lineage(const std::filesystem::path& file);

std::string to_string(const std::vector<LineageStep>& chain);
std::string to_json(const std::vector<LineageStep>& chain);

}  // namespace torchkeep
