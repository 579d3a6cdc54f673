#include "io/section.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "io/input_file.h"
#include "io/memory.h"

namespace torchkeep::io {

Section::Section(std::shared_ptr<const InputFile> file, std::uint64_t begin, std::uint64_t size)
    : file_(std::move(file)), begin_(begin), size_(size) {}

Section::Section(std::shared_ptr<const InputFile> file)
    : file_(std::move(file)), size_(file_->size()) {}

Section::Section(std::vector<std::byte> memory)
    : memory_(std::make_shared<std::vector<std::byte>>(std::move(memory))),
      size_(memory_->size()) {}

Section Section::part(std::uint64_t begin, std::uint64_t size) const {
  Section result = *this;
  result.begin_ += begin;
  result.size_ = size;
  return result;
}

void Section::read(std::uint64_t offset, std::span<std::byte> target) const {
  if (offset > size_ || target.size() > size_ - offset) {
    fail_at(ErrorCode::corrupt, {.byte_offset = size_}, "",
            "the data ends here (expected {} bytes from byte {} on)", target.size(), offset);
  }
  if (file_ != nullptr) return file_->read(begin_ + offset, target);
  const auto source = std::span(*memory_).subspan(static_cast<std::size_t>(begin_ + offset));
  std::ranges::copy(source.first(target.size()), target.begin());
}

Section::Mapping Section::map() const {
  const auto part_of = [this](std::span<std::byte> all) {
    return all.subspan(static_cast<std::size_t>(begin_), static_cast<std::size_t>(size_));
  };
  if (file_ == nullptr) return {part_of(*memory_), memory_};
  const auto mapped = std::make_shared<const MappedFile>(*file_);
  return {part_of(mapped->bytes()), mapped};
}

}  // namespace torchkeep::io
