#include <utility>

#include <torchkeep/load.h>

#include "base/fail.h"
#include "format/format.h"
#include "format/load_file.h"
#include "io/input_file.h"
#include "io/system_error.h"

namespace torchkeep {
namespace {

// torch.distributed.checkpoint writes directories.
void refuse_distributed_checkpoint(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error) &&
      std::filesystem::exists(path / ".metadata", error)) {
    fail(ErrorCode::unsupported,
         "this is a distributed checkpoint, which this version of torchkeep cannot read yet");
  }
}

LoadedFile read_file_at(const std::filesystem::path& path, const LoadOptions& options) {
  refuse_distributed_checkpoint(path);
  const auto file = std::make_shared<const io::InputFile>(path);
  const Probe probe(file, options.limits);
  const Format& format = detect_format(probe);
  if (format.read == nullptr) {
    fail(ErrorCode::unsupported, "this is {} ({}), which this version of torchkeep cannot read yet",
         format.description, format.name);
  }
  return {format.read(probe, options), format.name, file->size()};
}

}  // namespace

LoadedFile load_file(const std::filesystem::path& path, const LoadOptions& options) {
  try {
    return read_file_at(path, options);
  } catch (Error& error) {
    error.add_place(io::at_path(path));
    throw;
  }
}

Value load(const std::filesystem::path& path, const LoadOptions& options) {
  return load_file(path, options).content.value;
}

}  // namespace torchkeep
