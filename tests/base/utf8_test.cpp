#include "base/utf8.h"

#include <gtest/gtest.h>

namespace torchkeep {
namespace {

TEST(Utf8, TakesText) {
  for (const char* text : {"", "plain", "\xC3\xA9", "\xEC\x95\x88", "\xF0\x9F\x94\xA5", "\x7F"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
}

TEST(Utf8, RefusesWhatIsNotText) {
  for (const char* text :
       {"\x80", "\xFF", "\xC0\xAF", "\xC1\x81", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\x80",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3", "\xEC\x95", "\xC3x", "a\xE2\x82"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

TEST(Utf8, IsCutBetweenCharacters) {
  EXPECT_EQ(utf8_start("plain", 9), "plain");
  EXPECT_EQ(utf8_start("plain", 3), "pla");
  EXPECT_EQ(utf8_start("a\xEC\x95\x88z", 3), "a");
  EXPECT_EQ(utf8_start("a\xEC\x95\x88z", 4), "a\xEC\x95\x88");
  EXPECT_EQ(utf8_start("\xEC\x95\x88", 2), "");
}

}  // namespace
}  // namespace torchkeep
