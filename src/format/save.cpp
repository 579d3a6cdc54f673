#include <torchkeep/save.h>

#include "base/fail.h"
#include "format/pt/root_name.h"
#include "format/pt/write.h"
#include "io/atomic_file.h"
#include "io/system_error.h"

namespace torchkeep {
namespace {

std::string choose_root(const std::filesystem::path& path, const SaveOptions& options) {
  if (!options.root_name) return pt::root_name(path, options.layout);
  if (!pt::is_root_name(*options.root_name)) {
    fail(ErrorCode::invalid_argument, "SaveOptions::root_name is no safe name of a folder: \"{}\"",
         *options.root_name);
  }
  return *options.root_name;
}

}  // namespace

void save(const Value& value, const std::filesystem::path& path, const SaveOptions& options) {
  try {
    io::AtomicFile file(path);
    pt::write(value, options.layout, choose_root(path, options),
              [&](std::span<const std::byte> bytes) { file.write(bytes); });
    file.commit(options.durability);
  } catch (Error& error) {
    error.add_place(io::at_path(path));
    throw;
  }
}

}  // namespace torchkeep
