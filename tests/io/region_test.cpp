#include "io/region.h"

#include <cstring>
#include <string>

#include <gmock/gmock.h>

#include "io/atomic_file.h"
#include "io/input_file.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep::io {
namespace {

using testing::TemporaryDirectory;

TEST(Region, HasTheBytesReadOrMapped) {
  const TemporaryDirectory directory;
  std::string content;
  for (int i = 0; i < 9'000'000; ++i) content.push_back(static_cast<char>(i * 7 + i / 256));
  write_file(directory / "f", content, Durability::cached);
  const InputFile file(directory / "f");
  for (const Access access : {Access::read, Access::map}) {
    for (const int threads : {1, 3}) {
      const Region region = load_region(file, 11, 8'999'900, access, threads);
      ASSERT_EQ(region.bytes.size(), 8'999'900U);
      EXPECT_EQ(std::memcmp(region.bytes.data(), content.data() + 11, region.bytes.size()), 0);
    }
    EXPECT_TRUE(load_region(file, 9'000'000, 0, access, 2).bytes.empty());
  }
}

TEST(Region, SaysWhereTheFileEnds) {
  const TemporaryDirectory directory;
  write_file(directory / "f", "0123456789");
  const InputFile file(directory / "f");
  EXPECT_ERROR(load_region(file, 5, 6, Access::read, 1), ErrorCode::corrupt,
               ::testing::HasSubstr("the file ends here"));
}

}  // namespace
}  // namespace torchkeep::io
