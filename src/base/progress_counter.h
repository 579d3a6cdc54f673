// Adding up what several threads have done, for a ProgressFunction.
#pragma once

#include <cstdint>
#include <mutex>
#include <utility>

#include <torchkeep/progress.h>

namespace torchkeep {

class ProgressCounter {
 public:
  ProgressCounter(ProgressFunction report, std::uint64_t total)
      : report_(std::move(report)), total_(total) {}

  // Thread-safe.
  void add(std::uint64_t bytes) {
    if (!report_) return;
    const std::lock_guard lock(mutex_);
    done_ += bytes;
    report_(done_, total_);
  }

 private:
  ProgressFunction report_;
  std::uint64_t total_;
  std::mutex mutex_;
  std::uint64_t done_ = 0;
};

}  // namespace torchkeep
