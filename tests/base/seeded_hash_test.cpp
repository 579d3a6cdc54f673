#include "base/seeded_hash.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace torchkeep {
namespace {

TEST(SeededHash, IsTheSameForTheSameKey) {
  EXPECT_EQ(SeededHash()("abc"), SeededHash()(std::string("abc")));
  EXPECT_EQ(SeededHash()(std::uint64_t{7}), SeededHash()(std::uint64_t{7}));
}

TEST(SeededHash, TellsTextsApartThatDifferAnywhere) {
  std::set<std::size_t> hashes;
  const std::string text(40, 'a');
  hashes.insert(SeededHash()(text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = 'b';
    hashes.insert(SeededHash()(other));
    hashes.insert(SeededHash()(text.substr(0, i)));
  }
  hashes.insert(SeededHash()(std::string(3, '\0')));
  hashes.insert(SeededHash()(std::string(4, '\0')));
  EXPECT_EQ(hashes.size(), 2 * text.size() + 3);
}

TEST(SeededHash, SpreadsMultiplesOfAnyNumber) {
  // As many different remainders as random numbers would have.
  constexpr std::uint64_t kCount = 1000;
  for (const std::uint64_t step : {1ULL, 1024ULL, 62'233ULL, 1ULL << 32, 1ULL << 54}) {
    std::set<std::size_t> buckets;
    for (std::uint64_t i = 0; i < kCount; ++i) buckets.insert(SeededHash()(i * step) % 62'233);
    EXPECT_GT(buckets.size(), 900U) << step;
  }
}

}  // namespace
}  // namespace torchkeep
