#include "io/input_file.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "io/atomic_file.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep::io {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryDirectory;

TEST(InputFile, ReadsFromAnyOffset) {
  const TemporaryDirectory directory;
  write_file(directory / "f", "0123456789");
  const InputFile file(directory / "f");
  EXPECT_EQ(file.size(), 10U);
  std::array<std::byte, 3> bytes{};
  file.read(7, bytes);
  EXPECT_EQ(bytes[0], std::byte{'7'});
  EXPECT_EQ(bytes[2], std::byte{'9'});
}

TEST(InputFile, SaysWhereTheFileEnds) {
  const TemporaryDirectory directory;
  write_file(directory / "f", "0123456789");
  const InputFile file(directory / "f");
  std::array<std::byte, 4> bytes{};
  EXPECT_ERROR(file.read(8, bytes), ErrorCode::corrupt, HasSubstr("byte 10: the file ends here"));
}

TEST(InputFile, RefusesWhatIsNoFile) {
  const TemporaryDirectory directory;
  EXPECT_ERROR(InputFile(directory / "missing"), ErrorCode::not_found, HasSubstr("cannot open"));
  EXPECT_ERROR(InputFile{directory.path()}, ErrorCode::invalid_argument,
               HasSubstr("is a directory"));
  ASSERT_EQ(mkfifo((directory / "pipe").c_str(), 0600), 0);
  EXPECT_ERROR(InputFile(directory / "pipe"), ErrorCode::invalid_argument,
               HasSubstr("not a regular file"));
}

TEST(InputFile, ReadsAPartAsAFileOfItsOwn) {
  const TemporaryDirectory directory;
  write_file(directory / "f", "0123456789");
  const auto whole = std::make_shared<const InputFile>(directory / "f");
  const auto part = std::make_shared<const InputFile>(whole, 2, 6);
  EXPECT_EQ(part->size(), 6U);
  std::array<std::byte, 2> bytes{};
  part->read(4, bytes);
  EXPECT_EQ(bytes[1], std::byte{'7'});
  EXPECT_ERROR(part->read(5, bytes), ErrorCode::corrupt, HasSubstr("the file ends here"));
  EXPECT_ERROR(part->read(UINT64_MAX, bytes), ErrorCode::corrupt, HasSubstr("the file ends here"));
  InputFile(part, 3, 3).read(1, bytes);
  EXPECT_EQ(bytes[0], std::byte{'6'});
  EXPECT_ERROR(InputFile(whole, 5, 6), ErrorCode::corrupt, HasSubstr("the file ends too early"));
  EXPECT_ERROR(InputFile(part, 7, 0), ErrorCode::corrupt, HasSubstr("the file ends too early"));
}

}  // namespace
}  // namespace torchkeep::io
