#include "io/flipped_bit.h"

#include <vector>

#include <gtest/gtest.h>

#include "io/checksum.h"

namespace torchkeep::io {
namespace {

TEST(FlippedBit, IsFoundWhereverItIs) {
  std::vector<std::byte> bytes(100);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7);
  const std::uint32_t expected = crc32(bytes);
  for (std::uint64_t bit = 0; bit < bytes.size() * 8; ++bit) {
    flip_bit(bytes, bit);
    EXPECT_EQ(find_flipped_bit(bytes.size(), crc32(bytes), expected), bit);
    flip_bit(bytes, bit);
  }
  EXPECT_EQ(crc32(bytes), expected);
}

TEST(FlippedBit, IsNotFoundInOtherDamage) {
  std::vector<std::byte> bytes(100);
  const std::uint32_t expected = crc32(bytes);
  flip_bit(bytes, 3);
  flip_bit(bytes, 500);
  EXPECT_EQ(find_flipped_bit(bytes.size(), crc32(bytes), expected), std::nullopt);
  EXPECT_EQ(find_flipped_bit(0, 1, 2), std::nullopt);
  EXPECT_EQ(find_flipped_bit(bytes.size(), expected, expected), std::nullopt);
}

}  // namespace
}  // namespace torchkeep::io
