#include "io/flipped_bit.h"

namespace torchkeep::io {
namespace {

constexpr std::uint32_t kPolynomial = 0xEDB88320;

// One bit further from the end.
constexpr std::uint32_t shifted(std::uint32_t crc) {
  return (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
}

}  // namespace

std::optional<std::uint64_t> find_flipped_bit(std::size_t bytes,
                                              std::uint32_t got,
                                              std::uint32_t expected) {
  const std::uint32_t wanted = got ^ expected;
  std::uint32_t change = kPolynomial;  // by the last byte's highest bit
  for (std::uint64_t bit = std::uint64_t{bytes} * 8; bit-- > 0; change = shifted(change)) {
    if (change == wanted) return bit;
  }
  return std::nullopt;
}

void flip_bit(std::span<std::byte> bytes, std::uint64_t bit) {
  bytes[static_cast<std::size_t>(bit / 8)] ^= static_cast<std::byte>(1U << bit % 8);
}

}  // namespace torchkeep::io
