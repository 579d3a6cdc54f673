// Replacing a file so that its path holds the old content or the whole new one at every moment.
#pragma once

#include <torchkeep/save.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace torchkeep::io {

// Writes to a temporary file in the target's directory. commit() makes it the target; without it the
// destructor removes the temporary file and the target is as it was. Not synchronised.
class AtomicFile {
 public:
  // Creates the temporary file. Throws io (invalid_argument where the target is a directory or its
  // directory is missing), naming the target.
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Appends. Throws io.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  std::uint64_t position() const { return position_; }  // bytes written so far

  // Syncs the file, renames it to the target, syncs the directory (the syncs only if asked for).
  // Throws io; then the target is as it was and the temporary file is gone.
  void commit(Durability durability = Durability::synced);

  const std::filesystem::path& target() const { return target_; }

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  std::uint64_t position_ = 0;
};

// A whole small file at once.
void write_file(const std::filesystem::path& target,
                std::string_view content,
                Durability durability = Durability::synced);

// The whole content of a small file. Throws not_found, io, unsafe if it is longer than `max_bytes`.
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes = 1 << 28);

}  // namespace torchkeep::io
