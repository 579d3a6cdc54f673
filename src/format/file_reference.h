// A file that another one names: by its relative path, its size and its SHA-256.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <torchkeep/value.h>

namespace torchkeep {

struct FileReference {
  std::string path;  // relative to the directory of the file that names it
  std::uint64_t bytes = 0;
  std::string sha256;  // of the whole file, 64 lower-case hexadecimal digits
};

// The path of the file as seen from the directory. Throws not_found, io.
std::string relative_path(const std::filesystem::path& file,
                          const std::filesystem::path& directory);

// Reads the whole file once. Throws not_found, io.
FileReference refer_to(const std::filesystem::path& file, const std::filesystem::path& directory);

// A dict of `path`, `bytes` and `sha256`, and its inverse, which throws corrupt, not_found and
// mismatch for anything else.
Value to_value(const FileReference& reference);
FileReference file_reference_from_value(const Value& value);

// How much of a file is compared with what a reference says.
enum class Comparison { size, sha256 };

struct FollowedReference {
  std::filesystem::path path;  // where it is, or should be
  enum class State { unchanged, changed, missing } state = State::missing;
};

// Looks for the file at its path as seen from `directory` and, if it is not there as it was, under
// its name in `directory` itself, and at its path as seen from the directory above: the file that
// names it may have gone to a folder for trash. Throws io.
FollowedReference follow(const FileReference& reference,
                         const std::filesystem::path& directory,
                         Comparison comparison);

}  // namespace torchkeep
