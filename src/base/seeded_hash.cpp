#include "base/seeded_hash.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace torchkeep {
namespace {

struct Seeds {
  std::uint64_t first;
  std::uint64_t second;  // odd, so that no multiplication by it loses a bit
};

Seeds draw_seeds() {
  std::random_device random;
  const auto draw = [&] { return std::uint64_t{random()} << 32 | random(); };
  return {draw(), draw() | 1};
}

const Seeds& seeds() {
  static const Seeds drawn = draw_seeds();
  return drawn;
}

// Both halves of the product of 128 bits: every bit of the result depends on every bit before.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::size_t SeededHash::operator()(std::string_view bytes) const {
  const auto [first, second] = seeds();
  std::uint64_t hash = first ^ bytes.size();
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t count = std::min(bytes.size(), sizeof word);
    std::memcpy(&word, bytes.data(), count);
    hash = fold(hash ^ word, second);
    bytes.remove_prefix(count);
  }
  return static_cast<std::size_t>(fold(hash ^ second, first | 1));
}

std::size_t SeededHash::operator()(std::uint64_t number) const {
  const auto [first, second] = seeds();
  return static_cast<std::size_t>(fold(fold(number ^ first, second) ^ second, first | 1));
}

}  // namespace torchkeep
