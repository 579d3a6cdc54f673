// The `.metadata` of a distributed checkpoint, then its one data file; the last two bytes say how
// long the data is.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "fuzz_target.h"
#include "loading.h"

namespace {

// Emptied when the program ends.
class Directory {
 public:
  Directory() : path_(fmt::format("/dev/shm/torchkeep-fuzz-dcp-{}", ::getpid())) {
    std::filesystem::create_directory(path_);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path_); }

  void write(const char* name, std::string_view content) const {
    std::ofstream(path_ / name, std::ios::binary)
        .write(content.data(), static_cast<long>(content.size()));
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static const Directory directory;
  const std::string_view content(reinterpret_cast<const char*>(data), size - 2);
  const std::size_t data_bytes =
      std::min<std::size_t>(content.size(), data[size - 2] + 256U * data[size - 1]);
  directory.write(".metadata", content.substr(0, content.size() - data_bytes));
  directory.write("__0_0.distcp", content.substr(content.size() - data_bytes));
  using torchkeep::Verify;
  const torchkeep::Value value =
      fuzz::load(directory.path(), torchkeep::Access::read, Verify::nothing);
  const torchkeep::Value mapped =
      fuzz::load(directory.path(), torchkeep::Access::map, Verify::nothing);
  if (!equal(value, mapped)) __builtin_trap();
  return 0;
}
