// What the values of a pickle may cost in memory, so that a small file cannot ask for much.
#pragma once

#include <cstdint>

#include "base/fail.h"

namespace torchkeep::pickle {

class Budget {
 public:
  explicit Budget(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // Throws unsafe if all that was charged is more than the limit. Call it before taking the memory.
  void charge(std::uint64_t bytes) {
    if (bytes > max_bytes_ - used_) {
      fail_at(ErrorCode::unsafe, {}, "raise the limit if you trust the file",
              "the values need more than {} bytes (Limits::max_value_bytes)", max_bytes_);
    }
    used_ += bytes;
  }

 private:
  std::uint64_t max_bytes_;
  std::uint64_t used_ = 0;
};

// Estimates, with what the allocator and the indexes add.
inline constexpr std::uint64_t kItemCost = 32;
inline constexpr std::uint64_t kEntryCost = 160;
inline constexpr std::uint64_t kSequenceCost = 64;
inline constexpr std::uint64_t kDictCost = 128;
inline constexpr std::uint64_t kObjectCost = 320;
inline constexpr std::uint64_t kTextCost = 64;  // besides its bytes

}  // namespace torchkeep::pickle
