// The central directory: which records an archive has.
#pragma once

#include <cstdint>
#include <vector>

#include <torchkeep/limits.h>

#include "format/zip/record.h"
#include "io/input_file.h"

namespace torchkeep::zip {

struct Directory {
  std::uint64_t offset = 0;     // where it begins; records lie before it
  std::vector<Record> records;  // in its order; without data_offset
};

// Reads the end of the archive and its central directory, and checks all that they say by
// themselves: they fill the rest of the file exactly, lie on one disk, agree on all numbers; names
// are safe and distinct; methods and flags are those we read.
// Throws corrupt, unsupported or unsafe; io.
Directory read_directory(const io::InputFile& file, const Limits& limits);

}  // namespace torchkeep::zip
