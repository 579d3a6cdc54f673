#include "io/window.h"

#include <string>

#include <gmock/gmock.h>

#include "io/atomic_file.h"
#include "io/input_file.h"
#include "support/counting_file_operations.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep::io {
namespace {

using testing::CountingFileOperations;
using testing::TemporaryDirectory;

class WindowTest : public ::testing::Test {
 protected:
  WindowTest() {
    for (std::size_t i = 0; i < content_.size(); ++i) content_[i] = static_cast<char>(i * 7 / 3);
    write_file(directory_ / "f", content_);
  }

  std::string content_ = std::string(1'000'000, '\0');
  TemporaryDirectory directory_;
};

TEST_F(WindowTest, ShowsAnyPiece) {
  const InputFile file(directory_ / "f");
  Window window(file);
  for (const std::size_t offset : {0U, 3U, 500U, 511U, 513U, 400U, 999'990U, 77U, 70'000U}) {
    const auto bytes = window.view(offset, 10);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(bytes.data()), 10),
              std::string_view(content_).substr(offset, 10));
  }
  EXPECT_EQ(window.view_up_to(999'995, 100).size(), 5U);
  EXPECT_TRUE(window.view_up_to(2'000'000, 1).empty());
  EXPECT_ERROR(window.view(999'995, 6), ErrorCode::corrupt, ::testing::HasSubstr("ends here"));
}

TEST_F(WindowTest, ReadsManyClosePiecesAtOnceAndFewBytesOfPiecesFarApart) {
  const InputFile file(directory_ / "f");
  const CountingFileOperations close_operations;
  Window close(file);
  for (std::uint64_t offset = 0; offset + 30 <= 1'000'000; offset += 200) close.view(offset, 30);
  EXPECT_LE(close_operations.reads(), 30U);
  const CountingFileOperations far_operations;
  Window far(file);
  for (std::uint64_t offset = 0; offset + 30 <= 1'000'000; offset += 100'000) far.view(offset, 30);
  EXPECT_EQ(far_operations.reads(), 10U);
  EXPECT_LE(far_operations.bytes_read(), 10U * 512);
}

}  // namespace
}  // namespace torchkeep::io
