// The note in a delta, and what it stands for.
#pragma once

#include <filesystem>

#include <torchkeep/load.h>
#include <torchkeep/value.h>

namespace torchkeep {

// The key of the note in the dict at the top of a file.
inline constexpr const char* kDeltaKey = "torchkeep_delta";

// The whole value, with the tensors of the base, which is loaded with these options; `value` itself
// where it is no delta. With Verify::nothing, and with Access::map unless everything is verified,
// only the size of the base is compared, else its SHA-256. Throws corrupt, not_found; as load().
Value resolve_delta(const Value& value,
                    const std::filesystem::path& path,
                    const LoadOptions& options);

}  // namespace torchkeep
