#include "base/similar.h"

#include <vector>

#include <gtest/gtest.h>

namespace torchkeep {
namespace {

TEST(MostSimilar, FindsATypingMistake) {
  const std::vector<std::string_view> names{"features.0.weight", "features.0.bias", "fc.weight"};
  EXPECT_EQ(most_similar("feature.0.weight", names), "features.0.weight");
  EXPECT_EQ(most_similar("fc.wieght", names), "fc.weight");
}

TEST(MostSimilar, CountsAnExchangeOfNeighboursOnce) {
  EXPECT_EQ(most_similar("epcoh", std::vector<std::string_view>{"epoch"}), "epoch");
  EXPECT_EQ(most_similar("epcho", std::vector<std::string_view>{"epoch"}), std::nullopt);
}

TEST(MostSimilar, IsSilentWhereNothingIsClose) {
  const std::vector<std::string_view> names{"features.0.weight"};
  EXPECT_EQ(most_similar("epoch", names), std::nullopt);
  EXPECT_EQ(most_similar("epoch", {}), std::nullopt);
}

TEST(MostSimilar, TakesTheFirstOfEquals) {
  const std::vector<std::string_view> names{"abcx", "abcy"};
  EXPECT_EQ(most_similar("abcd", names), "abcx");
}

}  // namespace
}  // namespace torchkeep
