// Real files that are not part of the project.
#pragma once

#include <filesystem>
#include <string>

namespace torchkeep::testing {

// Where they lie; the directory may be missing.
inline std::filesystem::path shared_data(const std::string& name) {
  return std::filesystem::path(TORCHKEEP_SHARED_DATA) / name;
}

}  // namespace torchkeep::testing

// Skips the test where the file or directory is missing.
#define SKIP_WITHOUT(path)                                        \
  if (!std::filesystem::exists(path)) {                           \
    GTEST_SKIP() << (path).string() << " is not on this machine"; \
  }                                                               \
  static_assert(true, "asks for a semicolon")
