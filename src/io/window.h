// Small pieces of a file with few system calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace torchkeep::io {

class InputFile;

// Reads a little more than it is asked for, and more each time that this proves useful: pieces that
// lie close together cost one read for many, and pieces far apart cost few bytes each.
class Window {
 public:
  explicit Window(const InputFile& file) : file_(file) {}

  // `size` bytes at `offset`, valid until the next call. Throws io; corrupt past the end.
  std::span<const std::byte> view(std::uint64_t offset, std::size_t size);
  // The same, or as many bytes as the file has there.
  std::span<const std::byte> view_up_to(std::uint64_t offset, std::size_t size);

 private:
  void load(std::uint64_t offset, std::size_t size);

  const InputFile& file_;
  std::uint64_t offset_ = 0;
  std::vector<std::byte> bytes_;
  std::size_t read_ahead_ = 512;
};

}  // namespace torchkeep::io
