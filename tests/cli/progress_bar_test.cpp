#include "cli/progress_bar.h"

#include <gmock/gmock.h>

namespace torchkeep::cli {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

TEST(ProgressBar, ShowsThePartThatIsDone) {
  EXPECT_EQ(progress_line("reading a.pt", 5 * kMiB, 10 * kMiB),
            "reading a.pt [###############               ]  50%  5.0 MiB of 10.0 MiB");
  EXPECT_EQ(progress_line("x", 0, kMiB), "x [                              ]   0%  0 B of 1.0 MiB");
}

TEST(ProgressBar, IsFullAtTheEndAndWhereThereIsNothingToDo) {
  EXPECT_THAT(progress_line("x", 3, 3), ::testing::HasSubstr("] 100%"));
  EXPECT_THAT(progress_line("x", 0, 0), ::testing::HasSubstr("] 100%"));
  EXPECT_THAT(progress_line("x", 4, 3), ::testing::HasSubstr("] 100%"));
}

TEST(ProgressBar, SendsNoControlCharactersToTheTerminal) {
  EXPECT_THAT(progress_line("a\x1b[31m", 0, 1), ::testing::StartsWith("a\\x1b[31m ["));
}

}  // namespace
}  // namespace torchkeep::cli
