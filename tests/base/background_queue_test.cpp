#include "base/background_queue.h"

#include <atomic>
#include <future>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace torchkeep {
namespace {

using ::testing::ElementsAre;

TEST(BackgroundQueue, DoesTheWorkInOrder) {
  std::vector<int> done;
  BackgroundQueue queue(10);
  for (int i = 0; i < 5; ++i) {
    queue.make_room();
    queue.add([&done, i] { done.push_back(i); });
  }
  queue.finish();
  EXPECT_THAT(done, ElementsAre(0, 1, 2, 3, 4));
}

TEST(BackgroundQueue, DoesNotKeepWhoAsksWaiting) {
  std::promise<void> go;
  std::atomic<bool> done = false;
  BackgroundQueue queue(1);
  queue.add([&, waits = go.get_future().share()] {
    waits.wait();
    done = true;
  });
  EXPECT_FALSE(done);
  go.set_value();
  queue.make_room();
  EXPECT_TRUE(done);
}

TEST(BackgroundQueue, ThrowsAtTheNextCallAndGoesOn) {
  int done = 0;
  BackgroundQueue queue(3);
  queue.add([] { throw std::runtime_error("first"); });
  queue.add([] { throw std::runtime_error("second"); });
  queue.add([&] { ++done; });
  EXPECT_THROW(queue.finish(), std::runtime_error);
  EXPECT_EQ(done, 1);
  queue.make_room();
  queue.add([&] { ++done; });
  queue.finish();
  EXPECT_EQ(done, 2);
}

TEST(BackgroundQueue, EndsWhenAllIsDone) {
  int done = 0;
  {
    BackgroundQueue queue(5);
    for (int i = 0; i < 5; ++i) queue.add([&] { ++done; });
  }
  EXPECT_EQ(done, 5);
}

}  // namespace
}  // namespace torchkeep
