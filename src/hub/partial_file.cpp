#include "hub/partial_file.h"

#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file_operations.h"
#include "io/system_error.h"

namespace torchkeep::hub {

namespace partial_file_detail {

// Whether the path still leads to the open file: another process may have renamed it.
bool is_at(int descriptor, const std::filesystem::path& path) {
  struct stat open = {};
  struct stat there = {};
  return ::fstat(descriptor, &open) == 0 && ::stat(path.c_str(), &there) == 0 &&
         open.st_ino == there.st_ino && open.st_dev == there.st_dev;
}

int open_locked(const std::filesystem::path& path) {
  constexpr mode_t kMode = 0644;
  while (true) {
    const int descriptor =
        io::file_operations().open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kMode);
    if (descriptor < 0) io::throw_system_error(path, "create it");
    const int locked = io::retry_interrupted([&] { return ::flock(descriptor, LOCK_EX); });
    if (locked == 0 && is_at(descriptor, path)) return descriptor;
    const int error = errno;
    io::file_operations().close(descriptor);
    if (locked != 0) io::throw_system_error(path, "lock it", error);
  }
}

}  // namespace partial_file_detail

PartialFile::PartialFile(std::filesystem::path target)
    : target_(std::move(target)), path_(target_.string() + ".partial") {
  std::error_code error;
  if (target_.has_parent_path()) std::filesystem::create_directories(target_.parent_path(), error);
  if (error) io::throw_system_error(target_.parent_path(), "create it", error.value());
  descriptor_ = partial_file_detail::open_locked(path_);
  const off_t end = ::lseek(descriptor_, 0, SEEK_END);
  size_ = end < 0 ? 0 : static_cast<std::uint64_t>(end);
}

PartialFile::~PartialFile() {
  if (descriptor_ >= 0) io::file_operations().close(descriptor_);
}

void PartialFile::truncate(std::uint64_t size) {
  if (size == size_) return;
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0 ||
      ::lseek(descriptor_, 0, SEEK_END) < 0) {
    io::throw_system_error(path_, "shorten it");
  }
  size_ = size;
}

void PartialFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = io::retry_interrupted(
        [&] { return io::file_operations().write(descriptor_, bytes.data(), bytes.size()); });
    if (written < 0) io::throw_system_error(path_, "write to it");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    size_ += static_cast<std::uint64_t>(written);
  }
}

void PartialFile::commit() {
  if (io::file_operations().sync(descriptor_) != 0) io::throw_system_error(path_, "sync it");
  if (io::file_operations().rename(path_.c_str(), target_.c_str()) != 0) {
    io::throw_system_error(target_, "rename a file to it");
  }
}

void PartialFile::remove() { io::file_operations().remove(path_.c_str()); }

}  // namespace torchkeep::hub
