// The system calls on files: the one seam through which tests make them fail.
#pragma once

#include <cstddef>
#include <cstdint>

#include <sys/types.h>

namespace torchkeep::io {

// Each call behaves as the system call of that name: a negative result means failure, with errno.
class FileOperations {
 public:
  virtual ~FileOperations() = default;
  virtual int open(const char* path, int flags, mode_t mode);
  virtual ssize_t read_at(int descriptor, void* data, std::size_t size, std::uint64_t offset);
  virtual ssize_t write(int descriptor, const void* data, std::size_t size);
  virtual int sync(int descriptor);
  virtual int close(int descriptor);
  virtual int rename(const char* from, const char* to);
  virtual int remove(const char* path);
  // What an unprivileged process may still write to the file system of `path`; the largest number
  // where that cannot be found out.
  virtual std::uint64_t free_bytes(const char* path);
};

// Those in force: the system's unless a test has replaced them. Callable from any thread.
FileOperations& file_operations();

// Replaces the operations for its lifetime. For tests; not to be nested across threads.
class ReplacedFileOperations {
 public:
  explicit ReplacedFileOperations(FileOperations& replacement);
  ~ReplacedFileOperations();
  ReplacedFileOperations(const ReplacedFileOperations&) = delete;
  ReplacedFileOperations& operator=(const ReplacedFileOperations&) = delete;

 private:
  FileOperations* previous_;
};

}  // namespace torchkeep::io
