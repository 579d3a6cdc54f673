#include "io/window.h"

#include <algorithm>
#include <memory>

#include "base/fail.h"
#include "io/input_file.h"

namespace torchkeep::io {
namespace {

constexpr std::size_t kLeast = 512;
constexpr std::size_t kMost = std::size_t{64} << 10;

}  // namespace

Window::Window(const InputFile& file)
    : section_(std::shared_ptr<const InputFile>(std::shared_ptr<void>(), &file)) {}

std::span<const std::byte> Window::view(std::uint64_t offset, std::size_t size) {
  const std::span<const std::byte> found = view_up_to(offset, size);
  if (found.size() < size) {
    fail_at(ErrorCode::corrupt, {.byte_offset = section_.size()}, "",
            "the file ends here (expected {} more bytes)", size - found.size());
  }
  return found;
}

std::span<const std::byte> Window::view_up_to(std::uint64_t offset, std::size_t size) {
  if (offset >= section_.size()) return {};
  const auto available =
      static_cast<std::size_t>(std::min<std::uint64_t>(size, section_.size() - offset));
  const bool inside = offset >= offset_ && offset - offset_ <= bytes_.size() &&
                      available <= bytes_.size() - (offset - offset_);
  if (!inside) load(offset, available);
  return std::span(bytes_).subspan(static_cast<std::size_t>(offset - offset_), available);
}

void Window::load(std::uint64_t offset, std::size_t size) {
  const std::uint64_t end = offset_ + bytes_.size();
  const bool close = !bytes_.empty() && offset >= offset_ && offset < end + read_ahead_;
  read_ahead_ = close ? std::min(read_ahead_ * 2, kMost) : kLeast;
  bytes_.resize(static_cast<std::size_t>(
      std::min<std::uint64_t>(std::max(size, read_ahead_), section_.size() - offset)));
  offset_ = offset;
  section_.read(offset, bytes_);
}

}  // namespace torchkeep::io
