#include "io/checksum.h"

#include <string_view>

#include <gtest/gtest.h>

namespace torchkeep::io {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(Checksum, Crc32HasItsCheckValue) {
  EXPECT_EQ(crc32(bytes("123456789")), 0xCBF43926U);
  EXPECT_EQ(crc32(bytes("")), 0U);
}

TEST(Checksum, Crc32OfPiecesIsThatOfTheWhole) {
  const std::uint32_t first = crc32(bytes("1234"));
  EXPECT_EQ(crc32(bytes("56789"), first), 0xCBF43926U);
  EXPECT_EQ(crc32_combine(first, crc32(bytes("56789")), 5), 0xCBF43926U);
}

TEST(Checksum, Sha256HasItsTestVector) {
  Sha256 sha256;
  sha256.update(bytes("a"));
  sha256.update(bytes("bc"));
  EXPECT_EQ(sha256.hex_digest(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace torchkeep::io
