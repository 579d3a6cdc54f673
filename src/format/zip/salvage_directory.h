// The central directory of an archive that may be damaged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <torchkeep/limits.h>

#include "format/zip/record.h"

namespace torchkeep::zip {

struct LooseDirectory {
  std::uint64_t offset = 0;     // where it begins
  std::uint64_t end = 0;        // where the archive ends, or what is left of its directory
  bool has_end = false;         // the end of the archive was found
  std::vector<Record> entries;  // without data_offset; header_offset counts from the file's start
};

// What can be read of a directory, nothing checked but bounds. Nothing if there is no trace of one.
std::optional<LooseDirectory> find_directory(std::span<const std::byte> file, const Limits& limits);

// The record whose local header begins at `offset`, by that header alone: data_offset is known, the
// sizes and the checksum are 0 where they stand behind the data. Nothing if there is no header.
std::optional<Record> read_loose_header(std::span<const std::byte> file, std::uint64_t offset);

}  // namespace torchkeep::zip
