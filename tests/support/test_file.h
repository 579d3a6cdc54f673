// Small files for tests.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace torchkeep::testing {

inline std::string file_content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_content(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

// How many of a test's many cases to leave out after each that is run: none where the environment
// asks for all of them.
inline std::size_t test_stride(std::size_t ordinary) {
  return std::getenv("TORCHKEEP_TEST_EVERYTHING") != nullptr ? 1 : ordinary;
}

}  // namespace torchkeep::testing
