#include "io/section.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "io/atomic_file.h"
#include "io/input_file.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep::io {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryDirectory;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string read(const Section& section, std::uint64_t offset, std::size_t size) {
  std::vector<std::byte> bytes(size);
  section.read(offset, bytes);
  return text_of(bytes);
}

// The same bytes in a file and in memory.
class SectionTest : public ::testing::Test {
 protected:
  SectionTest() {
    write_file(directory_ / "f", "0123456789");
    const auto bytes = std::as_bytes(std::span(std::string_view("0123456789")));
    sections_ = {Section(std::make_shared<const InputFile>(directory_ / "f")),
                 Section(std::vector<std::byte>(bytes.begin(), bytes.end()))};
  }

  TemporaryDirectory directory_;
  std::vector<Section> sections_;
};

TEST_F(SectionTest, ReadsAnyPart) {
  for (const Section& section : sections_) {
    EXPECT_EQ(section.size(), 10U);
    EXPECT_EQ(read(section, 0, 10), "0123456789");
    EXPECT_EQ(read(section, 10, 0), "");
    const Section part = section.part(2, 6).part(1, 4);
    EXPECT_EQ(part.size(), 4U);
    EXPECT_EQ(read(part, 1, 3), "456");
  }
}

TEST_F(SectionTest, NeverReadsBehindItsEnd) {
  for (const Section& section : sections_) {
    EXPECT_ERROR(read(section, 8, 3), ErrorCode::corrupt, HasSubstr("the data ends here"));
    EXPECT_ERROR(read(section, 11, 0), ErrorCode::corrupt, HasSubstr("the data ends here"));
    EXPECT_ERROR(read(section.part(2, 6), 5, 2), ErrorCode::corrupt, HasSubstr("byte 6"));
  }
}

TEST_F(SectionTest, StaysMappedWithoutIt) {
  std::vector<Section::Mapping> mappings;
  for (const Section& section : sections_) mappings.push_back(section.part(3, 4).map());
  sections_.clear();
  for (const Section::Mapping& mapping : mappings) EXPECT_EQ(text_of(mapping.bytes), "3456");
}

}  // namespace
}  // namespace torchkeep::io
