#include "io/input_file.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/fail.h"
#include "io/file_operations.h"
#include "io/system_error.h"

namespace torchkeep::io {
namespace {

constexpr std::size_t kMaxReadBytes = std::size_t{1} << 30;

}  // namespace

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
  // Without O_NONBLOCK opening a pipe would wait for a writer.
  descriptor_ = retry_interrupted(
      [&] { return file_operations().open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0); });
  if (descriptor_ < 0) throw_system_error(path_, "open");
  struct stat status = {};
  const bool known = fstat(descriptor_, &status) == 0;
  const int error = errno;
  if (known && S_ISREG(status.st_mode)) {
    size_ = static_cast<std::uint64_t>(status.st_size);
    return;
  }
  file_operations().close(descriptor_);
  if (!known) throw_system_error(path_, "read its status", error);
  fail_at(ErrorCode::invalid_argument, at_path(path_), "name a file", "{}",
          S_ISDIR(status.st_mode) ? "is a directory" : "is not a regular file");
}

InputFile::InputFile(std::shared_ptr<const InputFile> whole,
                     std::uint64_t offset,
                     std::uint64_t size)
    : path_(whole->path()), descriptor_(whole->descriptor()), size_(size) {
  if (offset > whole->size() || size > whole->size() - offset) {
    Place place = at_path(path_);
    place.byte_offset = offset;
    fail_at(ErrorCode::corrupt, place, "",
            "the file ends too early (expected {} bytes here, got {})", size,
            whole->size() - std::min(offset, whole->size()));
  }
  begin_ = whole->begin() + offset;
  whole_ = std::move(whole);
}

InputFile::~InputFile() {
  if (whole_ == nullptr) file_operations().close(descriptor_);
}

void InputFile::read(std::uint64_t offset, std::span<std::byte> target) const {
  if (whole_ != nullptr && (offset > size_ || target.size() > size_ - offset)) {
    throw_end(std::min(offset, size_), target.size());
  }
  while (!target.empty()) {
    const ssize_t got = retry_interrupted([&] {
      return file_operations().read_at(descriptor_, target.data(),
                                       std::min(target.size(), kMaxReadBytes), begin_ + offset);
    });
    if (got < 0) throw_system_error(path_, "read");
    if (got == 0) throw_end(offset, target.size());
    target = target.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

void InputFile::throw_end(std::uint64_t offset, std::size_t missing) const {
  Place place = at_path(path_);
  place.byte_offset = begin_ + offset;
  fail_at(ErrorCode::corrupt, place, "", "the file ends here (expected {} more bytes)", missing);
}

}  // namespace torchkeep::io
