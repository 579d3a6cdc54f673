// The header in front of each record's data, and the descriptor behind it.
#pragma once

#include "format/zip/directory.h"
#include "io/input_file.h"

namespace torchkeep::zip {

// Reads the header and the descriptor of every record, fills in data_offset, and checks that they
// agree with the directory and that no two records overlap.
// Throws corrupt with the record; io.
void read_local_headers(const io::InputFile& file, Directory& directory);

}  // namespace torchkeep::zip
