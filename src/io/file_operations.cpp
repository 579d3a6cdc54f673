#include "io/file_operations.h"

#include <atomic>
#include <cstdio>
#include <limits>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace torchkeep::io {
namespace {

FileOperations system_operations;
std::atomic<FileOperations*> operations_in_force{&system_operations};

}  // namespace

int FileOperations::open(const char* path, int flags, mode_t mode) {
  return ::open(path, flags, mode);
}

ssize_t FileOperations::read_at(int descriptor,
                                void* data,
                                std::size_t size,
                                std::uint64_t offset) {
  return ::pread(descriptor, data, size, static_cast<off_t>(offset));
}

ssize_t FileOperations::write(int descriptor, const void* data, std::size_t size) {
  return ::write(descriptor, data, size);
}

int FileOperations::sync(int descriptor) { return ::fsync(descriptor); }

int FileOperations::close(int descriptor) { return ::close(descriptor); }

int FileOperations::rename(const char* from, const char* to) { return ::rename(from, to); }

int FileOperations::remove(const char* path) { return ::unlink(path); }

std::uint64_t FileOperations::free_bytes(const char* path) {
  struct statvfs status = {};
  if (::statvfs(path, &status) != 0 || status.f_blocks == 0) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

FileOperations& file_operations() { return *operations_in_force.load(); }

ReplacedFileOperations::ReplacedFileOperations(FileOperations& replacement)
    : previous_(operations_in_force.exchange(&replacement)) {}

ReplacedFileOperations::~ReplacedFileOperations() { operations_in_force.store(previous_); }

}  // namespace torchkeep::io
