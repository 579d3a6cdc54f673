// File operations that count what is read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "io/file_operations.h"

namespace torchkeep::testing {

// In force for its lifetime.
class CountingFileOperations : public io::FileOperations {
 public:
  CountingFileOperations() : replaced_(*this) {}

  std::size_t reads() const { return reads_; }
  std::uint64_t bytes_read() const { return bytes_read_; }

  ssize_t read_at(int descriptor, void* data, std::size_t size, std::uint64_t offset) override {
    const ssize_t result = io::FileOperations::read_at(descriptor, data, size, offset);
    ++reads_;
    if (result > 0) bytes_read_ += static_cast<std::uint64_t>(result);
    return result;
  }

 private:
  std::atomic<std::size_t> reads_{0};
  std::atomic<std::uint64_t> bytes_read_{0};
  io::ReplacedFileOperations replaced_;
};

}  // namespace torchkeep::testing
