// A record in a file of torch.save that holds the SHA-256 of all the others and of every tensor.
// Python ignores it. docs/format/pt.md describes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/limits.h>
#include <torchkeep/value.h>

#include "format/pt/archive.h"

namespace torchkeep::pt {

// Its name inside the folder of the archive. It is the last record.
inline constexpr std::string_view kManifestRecord = ".torchkeep/sha256.json";

struct Sha256Manifest {
  struct Entry {
    std::string name;
    std::string sha256;  // 64 lower-case hexadecimal digits
    bool operator==(const Entry&) const = default;
  };
  // Every other record by its name inside the folder, in the order of the file; over its content.
  std::vector<Entry> records;
  // Every tensor by the name that inspect() shows, in that order; over its elements in row-major
  // order, little-endian. Names may repeat.
  std::vector<Entry> tensors;
};

std::string encode_manifest(const Sha256Manifest& manifest);
// Throws corrupt for anything but a manifest, unsupported for one of a later version.
Sha256Manifest decode_manifest(std::string_view json);

// That of the archive; nothing if it has none. Throws as decode_manifest(); unsafe where it is
// longer than a pickle may be; io.
std::optional<Sha256Manifest> read_manifest(const Archive& archive, const Limits& limits);

// Where a file is not what its manifest says.
struct ManifestMismatch {
  enum class Kind {
    changed,  // the checksum differs
    missing,  // listed, but not there
    unlisted  // there, but not listed
  };
  Kind kind;
  std::string name;  // of the record or tensor
  bool operator==(const ManifestMismatch&) const = default;
};

// Reads every record that is listed and compares. Empty: all is as it was written. `threads` as in
// LoadOptions. Throws io.
std::vector<ManifestMismatch> check_records(const Archive& archive,
                                            const Sha256Manifest& manifest,
                                            int threads = 0);

// The same for the tensors of the value that was loaded from the archive.
std::vector<ManifestMismatch> check_tensors(const Value& value, const Sha256Manifest& manifest);

}  // namespace torchkeep::pt
