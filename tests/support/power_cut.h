// A simulated power cut: what a disk may hold after the file operations of a program were cut off.
//
// Of the bytes that were written to a file since its last sync any may be missing, and a write may
// be torn at a sector or page. Of the entries that were made, renamed and removed since the last
// sync of the directory any may be missing. What was synced is there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/file_operations.h"

namespace torchkeep::testing {

struct DiskOperation {
  enum class Kind { create, write, sync_file, rename, remove, sync_directory, acknowledge };
  Kind kind = Kind::create;
  std::size_t file = 0;           // of create, write and sync_file
  std::uint64_t offset = 0;       // of write
  std::string data = {};          // of write
  std::string name = {};          // of create and remove; the old one of rename
  std::string new_name = {};      // of rename
  std::int64_t acknowledged = 0;  // what the caller was told is safe
};

struct DiskTrace {
  std::map<std::string, std::string> before;  // the files, all of them safe
  std::vector<DiskOperation> operations;
};

// Carries out and records the operations on the files of one directory. In force for its lifetime.
class RecordingFileOperations : public io::FileOperations {
 public:
  explicit RecordingFileOperations(const std::filesystem::path& directory);

  // Notes that the caller was told that this is safe.
  void acknowledge(std::int64_t what);
  const DiskTrace& trace() const { return trace_; }

  int open(const char* path, int flags, mode_t mode) override;
  ssize_t write(int descriptor, const void* data, std::size_t size) override;
  int sync(int descriptor) override;
  int close(int descriptor) override;
  int rename(const char* from, const char* to) override;
  int remove(const char* path) override;

 private:
  struct OpenFile {
    std::optional<std::size_t> file;  // nothing for the directory
    std::uint64_t position = 0;
  };
  std::string name_in_directory(const char* path) const;

  std::filesystem::path directory_;
  DiskTrace trace_;
  std::map<int, OpenFile> open_;
  std::size_t files_ = 0;
  io::ReplacedFileOperations replaced_;
};

// The trace as it would be if the program left that operation out.
DiskTrace without_operation(const DiskTrace& trace, std::size_t index);

struct CrashState {
  std::map<std::string, std::string> files;  // without those whose name begins with a dot
  std::int64_t acknowledged = 0;             // the last, 0 if there was none
};

struct CrashCounts {
  std::uint64_t states = 0;    // ways in which the power can fail
  std::uint64_t distinct = 0;  // different contents among them, each of which was visited
};

// Visits what the disk may hold after a power cut at any moment of the trace: after every
// operation, without any of the unsafe entries, and without up to three of the unsafe writes, or
// with one torn. Stops early if `visit` returns false.
CrashCounts for_each_crash(const DiskTrace& trace,
                           const std::function<bool(const CrashState&)>& visit);

}  // namespace torchkeep::testing
