// Memory from the system: mapped files, and buffers in huge pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace torchkeep::io {

class InputFile;

// A file's bytes in memory. Reading touches the file only where bytes are used; writing changes a
// private copy of the page. If the file is truncated meanwhile, touching what is gone raises
// SIGBUS.
class MappedFile {
 public:
  // Throws io. The file may be closed afterwards.
  explicit MappedFile(const InputFile& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> bytes_;
};

// Zeroed memory. From 1 MiB on it begins at a multiple of 2 MiB and asks for huge pages: the first
// touch of 512 small pages costs many times that of one huge page. Untouched parts take no memory.
class HugeBuffer {
 public:
  // Throws io if the system has not that much.
  explicit HugeBuffer(std::uint64_t size);
  ~HugeBuffer();
  HugeBuffer(const HugeBuffer&) = delete;
  HugeBuffer& operator=(const HugeBuffer&) = delete;

  std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> bytes_;
};

}  // namespace torchkeep::io
