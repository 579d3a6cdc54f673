// A run of bytes to read from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace torchkeep::io {

class InputFile;

// A part of a file, or memory. Copies refer to the same bytes. Safe to use from several threads at
// once.
class Section {
 public:
  // Bytes that were not read but lie in memory all the same, as long as `owner` lives.
  struct Mapping {
    std::span<std::byte> bytes;
    std::shared_ptr<const void> owner;
  };

  // A part of a file, which must lie inside it.
  Section(std::shared_ptr<const InputFile> file, std::uint64_t begin, std::uint64_t size);
  explicit Section(std::shared_ptr<const InputFile> file);  // all of it
  explicit Section(std::vector<std::byte> memory);

  std::uint64_t size() const { return size_; }
  // A part of this, which must lie inside it.
  Section part(std::uint64_t begin, std::uint64_t size) const;

  // Fills the whole of `target` with the bytes from `offset` on. Throws io; corrupt where the bytes
  // end before.
  void read(std::uint64_t offset, std::span<std::byte> target) const;
  // All bytes, a file's as MappedFile has them. Throws io.
  Mapping map() const;

 private:
  std::shared_ptr<const InputFile> file_;  // null: the bytes lie in memory
  std::shared_ptr<std::vector<std::byte>> memory_;
  std::uint64_t begin_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace torchkeep::io
