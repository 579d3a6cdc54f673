// File operations that fail when a test wants it.
#pragma once

#include <cerrno>
#include <cstddef>
#include <string>
#include <vector>

#include "io/file_operations.h"

namespace torchkeep::testing {

// Counts every call and makes one of them fail with an errno. In force for its lifetime.
class FailingFileOperations : public io::FileOperations {
 public:
  static constexpr std::size_t kNever = static_cast<std::size_t>(-1);

  // The call with that number, counted from 0, fails.
  explicit FailingFileOperations(std::size_t failing_call = kNever, int error = ENOSPC)
      : failing_call_(failing_call), error_(error), replaced_(*this) {}

  const std::vector<std::string>& calls() const { return calls_; }
  // At most that many bytes are written by one call.
  void set_short_writes(std::size_t max_bytes) { max_bytes_ = max_bytes; }
  // Each write is first interrupted by a signal.
  void set_interrupted_writes() { interrupt_ = true; }

  int open(const char* path, int flags, mode_t mode) override {
    return fails("open") ? -1 : io::FileOperations::open(path, flags, mode);
  }
  ssize_t write(int descriptor, const void* data, std::size_t size) override {
    if (interrupt_ && !interrupted_) {
      interrupted_ = true;
      errno = EINTR;
      return -1;
    }
    interrupted_ = false;
    if (fails("write")) return -1;
    return io::FileOperations::write(descriptor, data, size < max_bytes_ ? size : max_bytes_);
  }
  int sync(int descriptor) override {
    return fails("sync") ? -1 : io::FileOperations::sync(descriptor);
  }
  int close(int descriptor) override {
    // A failed close has closed the descriptor all the same.
    const int result = io::FileOperations::close(descriptor);
    return fails("close") ? -1 : result;
  }
  int rename(const char* from, const char* to) override {
    return fails("rename") ? -1 : io::FileOperations::rename(from, to);
  }
  int remove(const char* path) override {
    calls_.push_back("remove");
    return io::FileOperations::remove(path);
  }

 private:
  bool fails(const char* call) {
    calls_.push_back(call);
    if (calls_.size() - 1 != failing_call_) return false;
    errno = error_;
    return true;
  }

  std::size_t failing_call_;
  int error_;
  std::size_t max_bytes_ = kNever;
  bool interrupt_ = false;
  bool interrupted_ = false;
  std::vector<std::string> calls_;
  io::ReplacedFileOperations replaced_;
};

}  // namespace torchkeep::testing
