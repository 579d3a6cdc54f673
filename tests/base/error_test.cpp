#include <torchkeep/error.h>

#include <gtest/gtest.h>

namespace torchkeep {
namespace {

TEST(Error, ComposesPlaceProblemAndAdvice) {
  const Error error(ErrorCode::corrupt, "ends early (expected 12 bytes, got 3)",
                    {.path = "a.pt", .record = "data/0"}, "download it again");
  EXPECT_STREQ(error.what(),
               "a.pt: data/0: ends early (expected 12 bytes, got 3); download it again");
  EXPECT_EQ(error.code(), ErrorCode::corrupt);
}

TEST(Error, AddsOnlyWhatIsUnknownOfThePlace) {
  Error error(ErrorCode::corrupt, "bad opcode", {.record = "data.pkl", .byte_offset = 7});
  error.add_place({.path = "a.pt", .record = "other", .byte_offset = 9});
  EXPECT_STREQ(error.what(), "a.pt: data.pkl: byte 7: bad opcode");
}

TEST(Error, NamesEveryCode) {
  EXPECT_EQ(name(ErrorCode::io), "io");
  EXPECT_EQ(name(ErrorCode::not_found), "not_found");
  EXPECT_EQ(name(ErrorCode::corrupt), "corrupt");
  EXPECT_EQ(name(ErrorCode::unsupported), "unsupported");
  EXPECT_EQ(name(ErrorCode::unsafe), "unsafe");
  EXPECT_EQ(name(ErrorCode::mismatch), "mismatch");
  EXPECT_EQ(name(ErrorCode::invalid_argument), "invalid_argument");
  EXPECT_EQ(name(ErrorCode::internal), "internal");
}

}  // namespace
}  // namespace torchkeep
