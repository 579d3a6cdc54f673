// Checkpoints that store only what differs from a base file (docs/format/delta.md).
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include <torchkeep/limits.h>
#include <torchkeep/save.h>
#include <torchkeep/value.h>

namespace torchkeep {

// A file that many checkpoints are compared with: pretrained weights, or an earlier checkpoint.
// Safe to use from several threads.
class DeltaBase {
 public:
  // Maps the file and reads it once, for its SHA-256. It must stay as it is. Throws as load();
  // invalid_argument where it holds no state dict, or is a delta itself.
  explicit DeltaBase(std::filesystem::path path, const Limits& limits = {});

  const std::filesystem::path& path() const { return path_; }

  // `checkpoint`, a dict for a file in `directory`, without the tensors in its `model_state_dict`
  // and `ema_state_dict` that the base has under the same name with the same type, shape and bytes,
  // and with a note of where they are. What shares memory with another tensor is kept. Gives
  // `checkpoint` itself where nothing is equal. Changes nothing; shares the tensors.
  Value subtract(const Value& checkpoint, const std::filesystem::path& directory) const;

 private:
  struct Content;
  std::filesystem::path path_;
  std::shared_ptr<const Content> content_;
};

// What a delta says of its base.
struct DeltaInfo {
  std::filesystem::path base;  // where it is, or should be
  enum class State {
    unchanged,  // it has the size that the delta notes, and where that was read the SHA-256
    changed,
    missing
  };
  State state = State::missing;
  std::size_t tensors = 0;  // that are only in the base
};

// "unchanged", "changed" or "missing".
std::string_view name(DeltaInfo::State state);

enum class BaseCheck { size, sha256 };

// Nothing for a value that is no delta. `value` was loaded from `path` with Deltas::as_stored.
// Throws corrupt where the note makes no sense; io.
std::optional<DeltaInfo> delta_info(const Value& value,
                                    const std::filesystem::path& path,
                                    BaseCheck check);

// Writes what load() gives for the delta at `from`: a file that needs no base. Any other file is
// written again. Throws as load() and save().
void materialize(const std::filesystem::path& from,
                 const std::filesystem::path& to,
                 const SaveOptions& options = {});

}  // namespace torchkeep
