#include "io/memory.h"

#include <cstdint>
#include <memory>
#include <string>

#include <gmock/gmock.h>

#include "io/atomic_file.h"
#include "io/input_file.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep::io {
namespace {

using testing::TemporaryDirectory;

TEST(MappedFile, ShowsTheFileAndNeverChangesIt) {
  const TemporaryDirectory directory;
  write_file(directory / "f", "content");
  const MappedFile mapped{InputFile(directory / "f")};
  ASSERT_EQ(mapped.bytes().size(), 7U);
  EXPECT_EQ(mapped.bytes()[0], std::byte{'c'});
  mapped.bytes()[0] = std::byte{'X'};
  EXPECT_EQ(read_file(directory / "f"), "content");
}

TEST(MappedFile, MapsAnEmptyFile) {
  const TemporaryDirectory directory;
  write_file(directory / "f", "");
  EXPECT_TRUE(MappedFile{InputFile(directory / "f")}.bytes().empty());
}

TEST(MappedFile, MapsAPartThatBeginsAnywhere) {
  const TemporaryDirectory directory;
  std::string content(10'000, '.');
  content[5000] = 'a';
  content[5001] = 'b';
  write_file(directory / "f", content);
  const auto whole = std::make_shared<const InputFile>(directory / "f");
  const MappedFile mapped{InputFile(whole, 5000, 2)};
  ASSERT_EQ(mapped.bytes().size(), 2U);
  EXPECT_EQ(mapped.bytes()[0], std::byte{'a'});
  EXPECT_EQ(mapped.bytes()[1], std::byte{'b'});
}

TEST(HugeBuffer, IsAlignedZeroedAndWritable) {
  const HugeBuffer buffer(3'000'000);
  ASSERT_GE(buffer.bytes().size(), 3'000'000U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.bytes().data()) % (2 << 20), 0U);
  EXPECT_EQ(buffer.bytes()[2'999'999], std::byte{0});
  buffer.bytes().back() = std::byte{1};
}

TEST(HugeBuffer, TakesNoHugePageForLittle) {
  const HugeBuffer buffer(5000);
  EXPECT_EQ(buffer.bytes().size(), 5000U);
  buffer.bytes().back() = std::byte{1};
}

TEST(HugeBuffer, FailsWhereThereIsNotThatMuchMemory) {
  EXPECT_ERROR(HugeBuffer(UINT64_MAX), ErrorCode::io, ::testing::HasSubstr("cannot allocate"));
  EXPECT_ERROR(HugeBuffer(std::uint64_t{1} << 60), ErrorCode::io,
               ::testing::HasSubstr("cannot allocate"));
}

}  // namespace
}  // namespace torchkeep::io
