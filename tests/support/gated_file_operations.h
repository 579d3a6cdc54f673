// File operations that wait until a test lets them go on.
#pragma once

#include <condition_variable>
#include <mutex>

#include <fcntl.h>

#include "io/file_operations.h"

namespace torchkeep::testing {

// Whoever opens a file to write it waits until the gate is open. In force for its lifetime, which
// must be longer than that of the work.
class GatedFileOperations : public io::FileOperations {
 public:
  GatedFileOperations() : replaced_(*this) {}

  void open_gate() {
    {
      const std::lock_guard lock(mutex_);
      is_open_ = true;
    }
    opened_.notify_all();
  }

  int open(const char* path, int flags, mode_t mode) override {
    if ((flags & O_CREAT) != 0) {
      std::unique_lock lock(mutex_);
      opened_.wait(lock, [this] { return is_open_; });
    }
    return io::FileOperations::open(path, flags, mode);
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool is_open_ = false;
  io::ReplacedFileOperations replaced_;
};

}  // namespace torchkeep::testing
