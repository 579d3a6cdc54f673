// Many stored records at once, by several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "format/zip/reader.h"
#include "io/input_file.h"

namespace torchkeep::zip {

// A part of a file in memory: memory[i] stands for byte begin + i of the file.
struct Image {
  std::uint64_t begin = 0;
  std::span<std::byte> memory;
};

// Reads the stored records, which must lie inside the image, into it, and verifies them while they
// are in the processor's cache. What lies between two records may be read as well.
// Throws corrupt, naming the record; io.
void read_records(const io::InputFile& file,
                  std::vector<const Record*> records,
                  const Image& image,
                  int threads,
                  Checksum checksum);

// Verifies the stored records in an image that has their bytes. Throws corrupt, naming the record.
void verify_records(std::vector<const Record*> records, const Image& image, int threads);

}  // namespace torchkeep::zip
