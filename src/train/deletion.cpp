#include "train/deletion.h"

#include <cerrno>

#include "io/file_operations.h"
#include "io/system_error.h"
#include "train/file_name.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTrash = "trash";

fs::path place_in_trash(const fs::path& file) {
  const fs::path trash = file.parent_path() / kTrash;
  std::error_code error;
  fs::create_directories(trash, error);
  if (error) io::throw_system_error(trash, "create the directory", error.value());
  return unused_path(trash, file.filename().string());
}

}  // namespace

void let_go(const fs::path& file, Deletion deletion) {
  const int result = deletion == Deletion::remove
                         ? io::file_operations().remove(file.c_str())
                         : io::file_operations().rename(file.c_str(), place_in_trash(file).c_str());
  if (result < 0 && errno != ENOENT) io::throw_system_error(file, "let the checkpoint go");
}

}  // namespace torchkeep
