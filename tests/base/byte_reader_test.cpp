#include "base/byte_reader.h"

#include <gmock/gmock.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

TEST(ByteReader, ReadsWhatWasAppended) {
  std::string bytes;
  append_number(bytes, std::uint16_t{0xABCD});
  append_number(bytes, std::uint32_t{0x12345678});
  append_number(bytes, std::uint64_t{0xFEDCBA9876543210});
  bytes += "text";
  ByteReader reader(std::as_bytes(std::span(bytes)));
  EXPECT_EQ(reader.u16(), 0xABCD);
  EXPECT_EQ(reader.u32(), 0x12345678U);
  EXPECT_EQ(reader.u64(), 0xFEDCBA9876543210U);
  EXPECT_EQ(reader.position(), 14U);
  EXPECT_EQ(reader.text(4), "text");
  EXPECT_EQ(reader.remaining(), 0U);
}

TEST(ByteReader, RefusesToReadPastTheEnd) {
  const std::string bytes = "abc";
  ByteReader reader(std::as_bytes(std::span(bytes)));
  EXPECT_ERROR(reader.u32(), ErrorCode::corrupt,
               ::testing::HasSubstr("expected 4 more bytes, got 3"));
  EXPECT_EQ(reader.u16(), 0x6261);
  EXPECT_ERROR(reader.bytes(static_cast<std::size_t>(-1)), ErrorCode::corrupt,
               ::testing::HasSubstr("got 1"));
}

}  // namespace
}  // namespace torchkeep
