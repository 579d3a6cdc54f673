// A file that is being downloaded: it lies beside its target until it is whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace torchkeep::hub {

// `TARGET.partial`. It outlives the process, so that another one can go on. While one process has
// it, the others wait. Throws io.
class PartialFile {
 public:
  // Opens or creates it, and its directory.
  explicit PartialFile(std::filesystem::path target);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  std::uint64_t size() const { return size_; }
  void truncate(std::uint64_t size);
  void append(std::span<const std::byte> bytes);
  // Makes it the target: what is on the disk under that name is always whole.
  void commit();
  // Removes it.
  void remove();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path target_;
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace torchkeep::hub
