#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <fstream>
#include <mutex>
#include <sstream>
#include <system_error>
#include <thread>
#include <vector>

#include <sched.h>

namespace torchkeep {
namespace {

constexpr int kMostThreads = 8;

}  // namespace

std::optional<int> processors_of_quota(const std::string& cpu_max) {
  std::istringstream text(cpu_max);
  double quota = 0;
  double period = 0;
  if (!(text >> quota >> period) || !(quota > 0) || !(period > 0)) return std::nullopt;
  return static_cast<int>(std::min(std::ceil(quota / period), 1e6));
}

int usable_processors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  int processors = sched_getaffinity(0, sizeof allowed, &allowed) == 0
                       ? CPU_COUNT(&allowed)
                       : static_cast<int>(std::thread::hardware_concurrency());
  std::string cpu_max;
  std::getline(std::ifstream("/sys/fs/cgroup/cpu.max"), cpu_max);
  processors = std::min(processors, processors_of_quota(cpu_max).value_or(processors));
  return std::max(processors, 1);
}

int effective_threads(int requested) {
  return requested > 0 ? requested : std::min(usable_processors(), kMostThreads);
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
