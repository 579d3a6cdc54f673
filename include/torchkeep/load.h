// Reading any file (docs/format lists the formats): the value in it. Nothing in it is executed.
#pragma once

#include <filesystem>

#include <torchkeep/limits.h>
#include <torchkeep/value.h>

namespace torchkeep {

// Where the tensors' bytes come to lie.
enum class Access {
  // In memory of their own, read once by several threads. Right for weights that will be trained,
  // and for files that another process might change.
  read,
  // In the file, mapped: opening costs the same for any size, and bytes are read when touched. A
  // write changes a private copy. The process gets SIGBUS if someone truncates the file meanwhile.
  map
};

// Whether bytes are compared with the checksums of the archive. PyTorch itself never does.
enum class Verify {
  what_is_read,  // all that is read now: everything with Access::read, the pickle with Access::map
  everything,    // with Access::map every byte is read once
  nothing
};

struct LoadOptions {
  Access access = Access::read;
  Verify verify = Verify::what_is_read;
  Limits limits = {};
  int threads = 0;  // that read and verify; 0: as many as there are processors, at most 8
};

// The value that was saved, as torch.load returns it; named tensors are a dict. An index of shards
// and a directory of torch.distributed.checkpoint are one value. Unknown classes stay objects.
// Throws not_found, invalid_argument (other directories), io, corrupt, unsupported (the format),
// unsafe; each names the path and, where it is known, the record. A delta is completed from its
// base (docs/format/delta.md). Tensors of one file share a buffer that lives as long as the last of
// them. Thread-safe.
Value load(const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace torchkeep
