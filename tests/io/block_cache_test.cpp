#include "io/block_cache.h"

#include <cstring>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "support/expect_error.h"

namespace torchkeep::io {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST(BlockCache, GivesABlockOutAgain) {
  BlockCache cache(100 * kMiB);
  void* const first = cache.take(3 * kMiB);
  std::memset(first, 1, 3 * kMiB);
  EXPECT_TRUE(cache.give_back(first));
  EXPECT_EQ(cache.take(3 * kMiB - 5), first);
  EXPECT_EQ(cache.statistics().reused, 1U);
  EXPECT_EQ(cache.statistics().from_system, 1U);
}

TEST(BlockCache, GivesDifferentBlocksToThoseWhoUseThemAtOnce) {
  BlockCache cache(100 * kMiB);
  void* const first = cache.take(kMiB);
  void* const second = cache.take(kMiB);
  EXPECT_NE(first, second);
  EXPECT_EQ(cache.statistics().used_bytes, 4 * kMiB);
}

TEST(BlockCache, LargeBlocksBeginAtAHugePage) {
  BlockCache cache(0);
  for (const std::size_t bytes : {kMiB, 2 * kMiB + 1, 37 * kMiB}) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(cache.take(bytes)) % (2 * kMiB), 0U);
  }
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(cache.take(70'000)) % 4096, 0U);
}

TEST(BlockCache, WastesAtMostAQuarterOfSmallBlocks) {
  BlockCache cache(0);
  std::uint64_t before = 0;
  for (std::size_t bytes = 64 << 10; bytes < kMiB; bytes = bytes * 9 / 8) {
    cache.take(bytes);
    const std::uint64_t taken = cache.statistics().used_bytes - before;
    EXPECT_GE(taken, bytes);
    EXPECT_LE(taken, bytes + bytes / 4);
    before += taken;
  }
}

TEST(BlockCache, IsNotGivenWhatItDidNotGive) {
  BlockCache cache(kMiB);
  int other = 0;
  EXPECT_FALSE(cache.give_back(&other));
  EXPECT_FALSE(cache.give_back(nullptr));
}

TEST(BlockCache, GivesTheSystemBackWhatWasUnusedForLongest) {
  BlockCache cache(8 * kMiB);
  std::vector<void*> blocks;
  for (const std::size_t size : {2, 4, 6}) blocks.push_back(cache.take(size * kMiB));
  for (void* block : blocks) cache.give_back(block);
  EXPECT_EQ(cache.statistics().free_bytes, 6 * kMiB);
  EXPECT_EQ(cache.take(6 * kMiB), blocks[2]);
  cache.give_back(blocks[2]);
  cache.set_max_free_bytes(0);
  EXPECT_EQ(cache.statistics().free_bytes, 0U);
}

TEST(BlockCache, ReleasesWhatNobodyUses) {
  BlockCache cache(100 * kMiB);
  void* const used = cache.take(kMiB);
  cache.give_back(cache.take(5 * kMiB));
  cache.release_free();
  EXPECT_EQ(cache.statistics().free_bytes, 0U);
  std::memset(used, 1, kMiB);
  EXPECT_TRUE(cache.give_back(used));
}

TEST(BlockCache, FailsWhereThereIsNotThatMuchMemory) {
  BlockCache cache(kMiB);
  EXPECT_ERROR(cache.take(SIZE_MAX), ErrorCode::io, ::testing::HasSubstr("cannot allocate"));
  EXPECT_ERROR(cache.take(std::size_t{1} << 60), ErrorCode::io,
               ::testing::HasSubstr("cannot allocate"));
}

TEST(BlockCache, ServesManyThreads) {
  BlockCache cache(4 * kMiB);
  const auto work = [&cache](unsigned char mark) {
    for (std::size_t i = 0; i < 500; ++i) {
      const std::size_t bytes = (64 << 10) + i % 7 * 100'000;
      auto* const block = static_cast<unsigned char*>(cache.take(bytes));
      block[0] = mark;
      block[bytes - 1] = mark;
      std::this_thread::yield();
      EXPECT_EQ(block[0], mark);
      EXPECT_EQ(block[bytes - 1], mark);
      EXPECT_TRUE(cache.give_back(block));
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned char mark = 1; mark <= 4; ++mark) threads.emplace_back(work, mark);
  }
  EXPECT_EQ(cache.statistics().used_bytes, 0U);
  EXPECT_LE(cache.statistics().free_bytes, 4 * kMiB);
}

}  // namespace
}  // namespace torchkeep::io
