#include "base/parallel.h"

#include <atomic>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace torchkeep {
namespace {

TEST(ParallelFor, CallsEachIndexOnce) {
  std::vector<std::atomic<int>> calls(1000);
  parallel_for(calls.size(), 4, [&](std::size_t i) { ++calls[i]; });
  for (const std::atomic<int>& count : calls) EXPECT_EQ(count, 1);
}

TEST(ParallelFor, ThrowsWhatTheWorkThrows) {
  EXPECT_THROW(parallel_for(100, 3,
                            [](std::size_t i) {
                              if (i == 42) throw std::runtime_error("42");
                            }),
               std::runtime_error);
}

TEST(ParallelFor, BeginsNoFurtherWorkAfterAFailure) {
  int calls = 0;
  EXPECT_THROW(parallel_for(100, 1, [&](std::size_t) { ++calls, throw std::runtime_error("x"); }),
               std::runtime_error);
  EXPECT_EQ(calls, 1);
}

TEST(ParallelFor, DoesNothingForNothing) {
  parallel_for(0, 4, [](std::size_t) { FAIL(); });
}

TEST(UsableProcessors, KnowsQuotas) {
  EXPECT_EQ(processors_of_quota("200000 100000"), 2);
  EXPECT_EQ(processors_of_quota("150000 100000"), 2);
  EXPECT_EQ(processors_of_quota("max 100000"), std::nullopt);
  EXPECT_EQ(processors_of_quota(""), std::nullopt);
  EXPECT_EQ(processors_of_quota("1 0"), std::nullopt);
  EXPECT_GE(usable_processors(), 1);
}

TEST(EffectiveThreads, KeepsWhatIsAskedForAndElseCountsProcessors) {
  EXPECT_EQ(effective_threads(3), 3);
  EXPECT_GE(effective_threads(0), 1);
  EXPECT_LE(effective_threads(0), 8);
}

}  // namespace
}  // namespace torchkeep
