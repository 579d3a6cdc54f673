#include "base/glob.h"

#include <gtest/gtest.h>

namespace torchkeep {
namespace {

TEST(Glob, MatchesWholeNames) {
  EXPECT_TRUE(matches_glob("features.*", "features.0.weight"));
  EXPECT_TRUE(matches_glob("*.bias", "a.b.bias"));
  EXPECT_TRUE(matches_glob("layer[12].?", "layer2.w"));
  EXPECT_FALSE(matches_glob("features", "features.0"));
  EXPECT_FALSE(matches_glob("eatures.*", "features.0"));
}

TEST(RenameByGlob, ReplacesWholeNames) {
  EXPECT_EQ(rename_by_glob("fc.weight", "head.weight", "fc.weight"), "head.weight");
  EXPECT_EQ(rename_by_glob("fc.weight", "head.weight", "fc.weight2"), std::nullopt);
}

TEST(RenameByGlob, GivesBackWhatStarsStandFor) {
  EXPECT_EQ(rename_by_glob("features.*", "backbone.*", "features.0.w"), "backbone.0.w");
  EXPECT_EQ(rename_by_glob("*.a.*", "*.b.*", "x.a.y.a.z"), "x.b.y.a.z");
  EXPECT_EQ(rename_by_glob("*", "p.*", ""), "p.");
  EXPECT_EQ(rename_by_glob("layer*.*.w", "l*/*", "layer1.2.w"), "l1/2");
}

TEST(RenameByGlob, MatchesOnlyTheWholeName) {
  EXPECT_EQ(rename_by_glob("a*b", "*", "axbc"), std::nullopt);
  EXPECT_EQ(rename_by_glob("ab*ba", "*", "aba"), std::nullopt);
  EXPECT_EQ(rename_by_glob("a*b*c", "*", "ac"), std::nullopt);
  EXPECT_EQ(rename_by_glob("a*a", "*", "aba"), "b");
}

}  // namespace
}  // namespace torchkeep
