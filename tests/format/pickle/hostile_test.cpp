// Pickles that others wrote to attack an unpickler. Here they are data or an error.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <torchkeep/error.h>
#include <torchkeep/load.h>

#include <gtest/gtest.h>

#include "format/pickle/pickle_bytes.h"

namespace torchkeep {
namespace {

using testing::as_bytes;

class Hostile : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::is_directory(folder_)) GTEST_SKIP() << folder_ << " is absent";
  }

  static std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path folder_ = std::filesystem::path(TORCHKEEP_SHARED_DATA) / "hostile";
};

TEST_F(Hostile, PicklesAreDataOrAClearError) {
  std::set<std::string> globals;
  std::size_t tried = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::string bytes = contents(entry.path());
    std::size_t position = 0;
    try {
      while (position < bytes.size()) {  // several pickles may follow each other
        const pickle::Decoded decoded =
            pickle::decode(as_bytes(std::string_view(bytes).substr(position)));
        position += decoded.bytes_used;
        globals.insert(decoded.globals.begin(), decoded.globals.end());
        EXPECT_FALSE(to_string(decoded.value).empty());
      }
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::corrupt || error.code() == ErrorCode::unsupported ||
                  error.code() == ErrorCode::unsafe)
          << entry.path() << ": " << error.what();
      EXPECT_TRUE(error.place().byte_offset.has_value()) << entry.path();
    }
    ++tried;
  }
  EXPECT_GT(tried, 40U);
  // What Python would have run is only named.
  EXPECT_TRUE(globals.contains("builtins.eval"));
  EXPECT_TRUE(globals.contains("posix.system") || globals.contains("os.system"));
}

TEST_F(Hostile, FilesLoadAsDataOrAClearError) {
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    try {
      EXPECT_FALSE(to_string(load(entry.path())).empty());
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::corrupt || error.code() == ErrorCode::unsupported ||
                  error.code() == ErrorCode::unsafe)
          << error.what();
      EXPECT_EQ(error.place().path, entry.path().string());
    }
  }
}

}  // namespace
}  // namespace torchkeep
