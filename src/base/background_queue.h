// Work that one thread in the background does, in the order in which it was asked for.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace torchkeep {

// For one thread that asks. What goes wrong is thrown at its next call; the work after it is done
// all the same.
class BackgroundQueue {
 public:
  // At most so many pieces of work are waiting or being done, at least 1.
  explicit BackgroundQueue(std::size_t most);
  // Waits until all is done. What goes wrong then is lost.
  ~BackgroundQueue();
  BackgroundQueue(const BackgroundQueue&) = delete;
  BackgroundQueue& operator=(const BackgroundQueue&) = delete;

  // Waits until there is room for one more. Throws the first exception there was since it was last
  // thrown.
  void make_room();
  // Adds the work. There must be room.
  void add(std::function<void()> work);
  // Waits until all is done. Throws as make_room().
  void finish();

 private:
  void run();
  void wait_until_fewer_than(std::size_t number);

  std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::size_t unfinished_ = 0;
  std::exception_ptr problem_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace torchkeep
