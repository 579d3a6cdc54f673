// Replacing a file so that its path holds the old content or the whole new one at every moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <torchkeep/save.h>

namespace torchkeep::io {

// Writes to a temporary file in the target's directory. commit() makes it the target; without it
// the destructor removes the temporary file and the target is as it was. Not synchronised.
//
// A target that is a symbolic link stays one: the file that it points to is replaced. The
// permissions of a file that is replaced are kept.
class AtomicFile {
 public:
  // Creates the temporary file. Throws io (invalid_argument where the target is no regular file or
  // its directory is missing), naming the target.
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Appends. Throws io.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  std::uint64_t position() const { return position_; }  // bytes written so far

  // Syncs the file, renames it to the target, syncs the directory (the syncs only if asked for).
  // Throws io; then the temporary file is gone and the target is as it was, unless only the sync
  // of the directory failed: the target is then the new file.
  void commit(Durability durability = Durability::synced);

  const std::filesystem::path& target() const { return target_; }

 private:
  void create_temporary();
  void keep_permissions() const;
  void sync_directory() const;
  void discard() noexcept;

  std::filesystem::path target_;
  std::filesystem::path destination_;  // the target, or the file that it links to
  std::filesystem::path temporary_;    // empty once it has been renamed or removed
  int descriptor_ = -1;
  std::uint64_t position_ = 0;
};

// Removes temporary files that writers left in a directory when their process was killed. Those of
// processes that still run are left alone. Does nothing where the directory cannot be read.
void remove_abandoned_files(const std::filesystem::path& directory);

// A whole small file at once.
void write_file(const std::filesystem::path& target,
                std::string_view content,
                Durability durability = Durability::synced);

// The whole content of a small file. Throws not_found, io, unsafe if it is longer than `max_bytes`.
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes = 1 << 28);

}  // namespace torchkeep::io
