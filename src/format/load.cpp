#include <utility>

#include <torchkeep/load.h>

#include "format/delta.h"
#include "format/format.h"
#include "format/load_file.h"
#include "io/system_error.h"

namespace torchkeep {
namespace {

LoadedFile read_file_at(const std::filesystem::path& path, const LoadOptions& options) {
  const Probe probe(path, options.limits);
  const Format& format = detect_format(probe);
  LoadedFile loaded{format.read(probe, options), format.name};
  loaded.file_bytes = loaded.content.bytes_elsewhere;
  if (!probe.is_directory()) loaded.file_bytes += probe.file()->size();
  return loaded;
}

}  // namespace

LoadedFile load_file(const std::filesystem::path& path, const LoadOptions& options, Deltas deltas) {
  try {
    LoadedFile loaded = read_file_at(path, options);
    if (deltas == Deltas::resolve) {
      loaded.content.value = resolve_delta(loaded.content.value, path, options);
    }
    return loaded;
  } catch (Error& error) {
    error.add_place(io::at_path(path));
    throw;
  }
}

Value load(const std::filesystem::path& path, const LoadOptions& options) {
  return load_file(path, options).content.value;
}

}  // namespace torchkeep
