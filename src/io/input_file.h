// A file opened for reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace torchkeep::io {

// Safe to use from several threads at once.
class InputFile {
 public:
  // Throws not_found, io, invalid_argument for a directory, a pipe or a device.
  explicit InputFile(std::filesystem::path path);
  // `size` bytes of a file from `offset` on, as a file of their own. Throws corrupt where `whole`
  // has not that many.
  InputFile(std::shared_ptr<const InputFile> whole, std::uint64_t offset, std::uint64_t size);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }  // in bytes, when it was opened
  int descriptor() const { return descriptor_; }
  // Where it begins in the file that the descriptor stands for.
  std::uint64_t begin() const { return begin_; }

  // Fills the whole of `target` with the bytes from `offset` on. Throws io; corrupt where the file
  // ends before.
  void read(std::uint64_t offset, std::span<std::byte> target) const;

 private:
  [[noreturn]] void throw_end(std::uint64_t offset, std::size_t missing) const;

  std::filesystem::path path_;
  std::shared_ptr<const InputFile> whole_;  // null where this is a whole file
  int descriptor_ = -1;
  std::uint64_t begin_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace torchkeep::io
