// A process that dies while it changes the disk.
#pragma once

#include <cerrno>
#include <cstddef>

#include "io/file_operations.h"

namespace torchkeep::testing {

// After `calls` changes to the disk the process is dead: nothing changes any more, and nothing is
// cleared up.
class CrashingFileOperations : public io::FileOperations {
 public:
  explicit CrashingFileOperations(std::size_t calls) : left_(calls), replaced_(*this) {}

  bool crashed() const { return crashed_; }

  int open(const char* path, int flags, mode_t mode) override {
    return dead() ? -1 : io::FileOperations::open(path, flags, mode);
  }
  ssize_t write(int descriptor, const void* data, std::size_t size) override {
    return dead() ? -1 : io::FileOperations::write(descriptor, data, size);
  }
  int sync(int descriptor) override { return dead() ? -1 : io::FileOperations::sync(descriptor); }
  int rename(const char* from, const char* to) override {
    return dead() ? -1 : io::FileOperations::rename(from, to);
  }
  int remove(const char* path) override { return dead() ? -1 : io::FileOperations::remove(path); }

 private:
  bool dead() {
    if (left_ > 0) {
      --left_;
      return false;
    }
    crashed_ = true;
    errno = EIO;
    return true;
  }

  std::size_t left_;
  bool crashed_ = false;
  io::ReplacedFileOperations replaced_;
};

}  // namespace torchkeep::testing
