// A file opened for reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace torchkeep::io {

// Safe to use from several threads at once.
class InputFile {
 public:
  // Throws not_found, io, invalid_argument for a directory, a pipe or a device.
  explicit InputFile(std::filesystem::path path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }  // in bytes, when it was opened
  int descriptor() const { return descriptor_; }

  // Fills the whole of `target` with the bytes from `offset` on. Throws io; corrupt where the file
  // ends before.
  void read(std::uint64_t offset, std::span<std::byte> target) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace torchkeep::io
