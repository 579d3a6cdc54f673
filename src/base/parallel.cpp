#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace torchkeep {
namespace {

constexpr int kMostThreads = 8;

}  // namespace

int effective_threads(int requested) {
  if (requested > 0) return requested;
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMostThreads);
}

void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work_until_done = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::jthread> helpers;
  const std::size_t wanted = std::min(count, static_cast<std::size_t>(std::max(threads, 1)));
  try {
    while (helpers.size() + 1 < wanted) helpers.emplace_back(work_until_done);
  } catch (const std::system_error&) {
    // The system gives no more threads: those that run do it all.
  }
  work_until_done();
  helpers.clear();  // joins
  if (failure) std::rethrow_exception(failure);
}

}  // namespace torchkeep
