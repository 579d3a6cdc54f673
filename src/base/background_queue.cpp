#include "base/background_queue.h"

#include <utility>

namespace torchkeep {

BackgroundQueue::BackgroundQueue(std::size_t most) : most_(most), thread_([this] { run(); }) {}

BackgroundQueue::~BackgroundQueue() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void BackgroundQueue::make_room() { wait_until_fewer_than(most_); }

void BackgroundQueue::add(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
    ++unfinished_;
  }
  changed_.notify_all();
}

void BackgroundQueue::finish() { wait_until_fewer_than(1); }

void BackgroundQueue::wait_until_fewer_than(std::size_t number) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return unfinished_ < number; });
  if (!problem_) return;
  // Whoever hears of a failure looks at what there is: nothing may change meanwhile.
  changed_.wait(lock, [&] { return unfinished_ == 0; });
  std::rethrow_exception(std::exchange(problem_, nullptr));
}

void BackgroundQueue::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ends_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    std::exception_ptr problem;
    try {
      work();
    } catch (...) {
      problem = std::current_exception();
    }
    work = nullptr;  // lets go of what it held before anybody is told
    lock.lock();
    if (problem && !problem_) problem_ = problem;
    --unfinished_;
    changed_.notify_all();
  }
}

}  // namespace torchkeep
