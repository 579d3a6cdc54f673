#include "vision/idx.h"

#include <fstream>

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "vision/idx_files.h"

namespace torchkeep {
namespace idx_test {

using ::testing::AllOf;
using testing::gzip;
using ::testing::HasSubstr;
using testing::idx_bytes;

class Idx : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary) << bytes;
    return path_;
  }

  testing::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "file";
};

TEST_F(Idx, ReadsShapeAndElements) {
  const IdxArray array = read_idx(write(idx_bytes({2, 3}, "abcdef")));
  EXPECT_EQ(array.shape, (Shape{2, 3}));
  EXPECT_EQ(std::string(array.data(), array.data() + 6), "abcdef");
}

TEST_F(Idx, ReadsWhatGzipCompressed) {
  const std::string elements(100000, 'x');
  const IdxArray array = read_idx(write(gzip(idx_bytes({1000, 10, 10}, elements))));
  EXPECT_EQ(array.shape, (Shape{1000, 10, 10}));
  EXPECT_EQ(std::string(array.data(), array.data() + 100000), elements);
}

TEST_F(Idx, AnArrayMayBeEmpty) {
  EXPECT_EQ(read_idx(write(idx_bytes({0, 28, 28}, ""))).shape, (Shape{0, 28, 28}));
}

TEST_F(Idx, AMissingFileIsNotFound) {
  EXPECT_ERROR(read_idx(path_), ErrorCode::not_found, HasSubstr(path_.string()));
}

TEST_F(Idx, SaysWhatIsNoIdxFile) {
  for (const std::string& bytes :
       {std::string(), std::string("hello world"), std::string(3, '\0')}) {
    EXPECT_ERROR(read_idx(write(bytes)), ErrorCode::corrupt,
                 AllOf(HasSubstr(path_.string()), HasSubstr("no idx file")));
  }
}

TEST_F(Idx, SizesMustMatchTheBytes) {
  EXPECT_ERROR(read_idx(write(idx_bytes({2, 3}, "abcde"))), ErrorCode::corrupt,
               HasSubstr("holds 5 elements (expected 6"));
  EXPECT_ERROR(read_idx(write(idx_bytes({2, 3}, "abcdefg"))), ErrorCode::corrupt,
               HasSubstr("holds 7 elements (expected 6"));
  const std::uint32_t huge = 0xffffffff;
  EXPECT_ERROR(read_idx(write(idx_bytes({huge, huge, huge}, "a"))), ErrorCode::corrupt,
               HasSubstr("nothing can hold"));
}

TEST_F(Idx, ATruncatedHeaderIsCorrupt) {
  EXPECT_ERROR(read_idx(write(idx_bytes({2, 3}, "").substr(0, 9))), ErrorCode::corrupt,
               HasSubstr("header"));
}

TEST_F(Idx, OtherElementTypesAreUnsupported) {
  std::string bytes = idx_bytes({1}, "abcd");
  bytes[2] = 0x0d;
  EXPECT_ERROR(read_idx(write(bytes)), ErrorCode::unsupported, HasSubstr("0x0d"));
}

TEST_F(Idx, NoTruncatedGzipFileIsRead) {
  const std::string bytes = gzip(idx_bytes({4, 4}, "abcdefghijklmnop"));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(read_idx(write(bytes.substr(0, size))), Error) << size;
  }
}

TEST_F(Idx, AFlippedBitInAGzipFileIsFound) {
  std::string bytes = gzip(idx_bytes({4, 4}, "abcdefghijklmnop"));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  EXPECT_ERROR(read_idx(write(bytes)), ErrorCode::corrupt, HasSubstr("damaged"));
}

TEST_F(Idx, AClaimOfTooManyBytesIsRefusedBeforeMemoryIsTaken) {
  std::string bytes = gzip(idx_bytes({4, 4}, "abcdefghijklmnop"));
  bytes.back() = '\x7f';
  EXPECT_ERROR(read_idx(write(bytes)), ErrorCode::corrupt, HasSubstr("too many"));
  bytes.insert(10, std::string(4 << 20, 'x'));
  EXPECT_ERROR(read_idx(write(bytes)), ErrorCode::unsafe, HasSubstr("claims to inflate"));
}

}  // namespace idx_test
}  // namespace torchkeep
