// Whether a file is whole: every checksum, bound and structure.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <torchkeep/limits.h>
#include <torchkeep/progress.h>

namespace torchkeep {

// A part of a file that is not as it was written.
struct Damage {
  enum class Part {
    directory,  // where the archive says what it holds: headers, descriptors, the directory
    pickle,     // names, shapes and plain values
    tensor,     // the bytes of tensors
    record,     // another record, such as `version`
    padding,    // bytes that no reader looks at
    structure   // what the bytes mean contradicts itself, though no checksum says so
  };

  Part part = Part::structure;
  std::string record;                // of the archive, behind its name for a shard; may be empty
  std::vector<std::string> tensors;  // that use the bytes, by the names that inspect() shows
  std::uint64_t begin = 0;           // the bytes of the file: from begin to before end;
  std::uint64_t end = 0;             // both 0 where the place is not known
  std::string problem;
};

// "directory", "pickle", ...
std::string_view name(Damage::Part part);

struct VerifyReport {
  enum class Verdict {
    ok,          // all bytes have the checksums they were written with
    unverified,  // the structure is right, but for some or all bytes there is no checksum
    damaged
  };

  std::filesystem::path path;
  std::string format;
  std::uint64_t file_bytes = 0;
  std::uint64_t verified_bytes = 0;    // of content that has a checksum and was compared with it
  std::uint64_t unverified_bytes = 0;  // of content without a checksum
  bool has_manifest = false;           // the SHA-256 of every record was compared too
  std::filesystem::path base = {};     // of a delta: the file that holds the rest, compared too
  std::vector<Damage> damages;         // all that were found, in the order of the file

  Verdict verdict() const;
};

// "ok", "unverified" or "damaged".
std::string_view name(VerifyReport::Verdict verdict);

struct VerifyOptions {
  Limits limits = {};
  int threads = 0;  // as LoadOptions::threads
  ProgressFunction progress = {};
};

// Reads every byte of the file once, and reports all damage it finds rather than the first.
// Archives are compared with their checksums, and with their SHA-256 manifest where they have one;
// of an index of shards, each shard is; of a distributed checkpoint, the archives in its data
// files; formats without checksums (safetensors, npy, stacked pickles, tar) can be checked for
// their structure only. Throws not_found, io, invalid_argument, and unsupported for what is in no
// known format; a damaged file is no error. Thread-safe.
VerifyReport verify(const std::filesystem::path& path, const VerifyOptions& options = {});

// For people.
std::string to_string(const VerifyReport& report);
// One JSON document for all of them: {"files": [...]}, as `torchkeep verify --json` prints it.
std::string to_json(const std::vector<VerifyReport>& reports);

}  // namespace torchkeep
