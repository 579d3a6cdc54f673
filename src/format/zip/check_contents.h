// Comparing the contents of all records with their checksums.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <torchkeep/limits.h>
#include <torchkeep/progress.h>

#include "format/zip/salvage.h"
#include "io/input_file.h"

namespace torchkeep::zip {

struct ContentCheck {
  std::span<const std::byte> mapped;  // the whole file, for compressed records
  Limits limits = {};
  int threads = 0;  // as LoadOptions::threads
  ProgressFunction progress = {};
};

// For each record in turn: whether its content has its checksum; nothing where it has none, is cut
// off or of unknown size. Reads every byte once, in the order of the file and by several threads.
// Throws io.
std::vector<std::optional<bool>> check_contents(const io::InputFile& file,
                                                const Salvage& archive,
                                                const ContentCheck& check);

}  // namespace torchkeep::zip
