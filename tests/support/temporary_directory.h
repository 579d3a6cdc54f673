// A directory of its own for a test, removed afterwards.
#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace torchkeep::testing {

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// The names of what is in the directory.
std::set<std::string> names_in(const std::filesystem::path& directory);

}  // namespace torchkeep::testing
