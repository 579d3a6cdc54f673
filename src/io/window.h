// Small pieces of a file, or of a section of it, with few system calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "io/section.h"

namespace torchkeep::io {

class InputFile;

// Reads a little more than it is asked for, and more each time that this proves useful: pieces that
// lie close together cost one read for many, and pieces far apart cost few bytes each.
class Window {
 public:
  // Refers to the file.
  explicit Window(const InputFile& file);
  explicit Window(Section section) : section_(std::move(section)) {}

  // `size` bytes at `offset`, valid until the next call. Throws io; corrupt past the end.
  std::span<const std::byte> view(std::uint64_t offset, std::size_t size);
  // The same, or as many bytes as there are.
  std::span<const std::byte> view_up_to(std::uint64_t offset, std::size_t size);

 private:
  void load(std::uint64_t offset, std::size_t size);

  Section section_;
  std::uint64_t offset_ = 0;
  std::vector<std::byte> bytes_;
  std::size_t read_ahead_ = 512;
};

}  // namespace torchkeep::io
