#include <fstream>
#include <sstream>
#include <utility>

#include <fcntl.h>

#include "support/power_cut.h"

namespace torchkeep::testing {

namespace fs = std::filesystem;
using Kind = DiskOperation::Kind;

RecordingFileOperations::RecordingFileOperations(const fs::path& directory)
    : directory_(directory), replaced_(*this) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    std::stringstream content;
    content << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    trace_.before[entry.path().filename().string()] = content.str();
  }
}

std::string RecordingFileOperations::name_in_directory(const char* path) const {
  const fs::path whole(path);
  return whole.parent_path() == directory_ ? whole.filename().string() : "";
}

void RecordingFileOperations::acknowledge(std::int64_t what) {
  trace_.operations.push_back({.kind = Kind::acknowledge, .acknowledged = what});
}

int RecordingFileOperations::open(const char* path, int flags, mode_t mode) {
  const int descriptor = io::FileOperations::open(path, flags, mode);
  if (descriptor < 0) return descriptor;
  const std::string name = name_in_directory(path);
  if ((flags & O_CREAT) != 0 && !name.empty()) {
    trace_.operations.push_back({.kind = Kind::create, .file = files_, .name = name});
    open_[descriptor] = {.file = files_++};
  } else if ((flags & O_DIRECTORY) != 0 && fs::path(path) == directory_) {
    open_[descriptor] = {};
  }
  return descriptor;
}

ssize_t RecordingFileOperations::write(int descriptor, const void* data, std::size_t size) {
  const ssize_t written = io::FileOperations::write(descriptor, data, size);
  const auto found = open_.find(descriptor);
  if (written <= 0 || found == open_.end() || !found->second.file) return written;
  trace_.operations.push_back(
      {.kind = Kind::write,
       .file = *found->second.file,
       .offset = found->second.position,
       .data = std::string(static_cast<const char*>(data), static_cast<std::size_t>(written))});
  found->second.position += static_cast<std::uint64_t>(written);
  return written;
}

int RecordingFileOperations::sync(int descriptor) {
  const int result = io::FileOperations::sync(descriptor);
  const auto found = open_.find(descriptor);
  if (result != 0 || found == open_.end()) return result;
  if (found->second.file) {
    trace_.operations.push_back({.kind = Kind::sync_file, .file = *found->second.file});
  } else {
    trace_.operations.push_back({.kind = Kind::sync_directory});
  }
  return result;
}

int RecordingFileOperations::close(int descriptor) {
  open_.erase(descriptor);
  return io::FileOperations::close(descriptor);
}

int RecordingFileOperations::rename(const char* from, const char* to) {
  const int result = io::FileOperations::rename(from, to);
  if (result == 0) {
    trace_.operations.push_back(
        {.kind = Kind::rename, .name = name_in_directory(from), .new_name = name_in_directory(to)});
  }
  return result;
}

int RecordingFileOperations::remove(const char* path) {
  const int result = io::FileOperations::remove(path);
  if (result == 0) {
    trace_.operations.push_back({.kind = Kind::remove, .name = name_in_directory(path)});
  }
  return result;
}

DiskTrace without_operation(const DiskTrace& trace, std::size_t index) {
  DiskTrace shorter = trace;
  shorter.operations.erase(shorter.operations.begin() + static_cast<std::ptrdiff_t>(index));
  return shorter;
}

}  // namespace torchkeep::testing
