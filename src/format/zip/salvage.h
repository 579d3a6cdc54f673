// The records of an archive that a strict reader refuses: damaged, truncated, or built to mislead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <torchkeep/limits.h>

#include "format/zip/record.h"

namespace torchkeep::zip {

struct Salvaged {
  Record record;            // its bytes lie inside the file
  bool is_listed = false;   // in the directory
  bool has_header = false;  // its own header is there
  bool is_complete = true;  // the file has as many bytes as the record should have
  bool size_is_known = true;
  std::uint64_t end = 0;                 // of all that belongs to it
  std::vector<std::uint32_t> checksums;  // those that its headers state, different ones only
  std::string problem;                   // what contradicts what; empty if nothing does
};

// A part of the file that is not as it should be.
struct Flaw {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string problem;
};

struct Salvage {
  std::vector<Salvaged> records;       // in the order of the file
  std::vector<Flaw> flaws;             // outside of records
  std::uint64_t directory_offset = 0;  // the file's size where there is none

  // By the end of the name after the first slash, such as "data.pkl" or "data/0"; the last one if
  // there are several, as PyTorch takes them. Null if there is none.
  const Salvaged* find(std::string_view name) const;
};

// Finds records by the directory, by their own headers and by the descriptors behind their data,
// whichever of them are left. Never throws for what the bytes are. Costs the size of the headers
// for a whole archive, and a search through the gaps otherwise.
Salvage salvage(std::span<const std::byte> file, const Limits& limits);

// Whether the bytes have one of the checksums; nothing if none is stated, or for a record whose
// size is not known.
std::optional<bool> matches_checksum(const Salvaged& salvaged, std::uint32_t crc32);

// The content of a record, inflated as far as possible.
struct Content {
  std::span<const std::byte> bytes;  // in the file, or in `inflated`
  std::vector<std::byte> inflated;
  bool is_whole = true;  // inflated to its end
};
Content content_of(std::span<const std::byte> file, const Record& record, std::uint64_t max_bytes);

// Inflates what zlib can: raw DEFLATE (`window_bits` -15), zlib or gzip (47). Stops at `max_bytes`.
Content inflate_loosely(std::span<const std::byte> deflated,
                        std::uint64_t max_bytes,
                        int window_bits);

}  // namespace torchkeep::zip
