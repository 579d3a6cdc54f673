// The values that a pickle may refer to again. They are held by reference.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include <torchkeep/value.h>

#include "base/fail.h"
#include "base/seeded_hash.h"

namespace torchkeep::pickle {

// Picklers number from 0 or 1 upwards; those entries lie in a vector, with gaps among the first
// numbers. Others cost no more memory than one entry, whatever their number.
template <class Entry>
class BasicMemo {
 public:
  explicit BasicMemo(std::uint64_t max_entries) : max_entries_(max_entries) {}

  std::uint64_t size() const { return size_; }

  void put(std::uint64_t number, const Entry& value) {
    if (number < dense_.size() && dense_[number]) {
      dense_[number] = value;
      return;
    }
    if (const auto known = sparse_.find(number); known != sparse_.end()) {
      known->second = value;
      return;
    }
    if (size_ >= max_entries_) {
      fail_at(ErrorCode::unsafe, {}, "raise the limit if you trust the file",
              "more than {} memo entries (Limits::max_memo_entries)", max_entries_);
    }
    ++size_;
    if (number > std::max(dense_.size() + 1, kMostGaps)) {
      sparse_.emplace(number, value);
      return;
    }
    if (number >= dense_.size()) dense_.resize(static_cast<std::size_t>(number) + 1);
    dense_[number] = value;
  }

  const Entry& get(std::uint64_t number) const {
    if (number < dense_.size() && dense_[number]) return *dense_[number];
    const auto found = sparse_.find(number);
    if (found == sparse_.end()) fail(ErrorCode::corrupt, "there is no memo entry {}", number);
    return found->second;
  }

 private:
  static constexpr std::size_t kMostGaps = 4096;

  std::uint64_t max_entries_;
  std::uint64_t size_ = 0;
  std::vector<std::optional<Entry>> dense_;
  std::unordered_map<std::uint64_t, Entry, SeededHash> sparse_;
};

using Memo = BasicMemo<Value>;

}  // namespace torchkeep::pickle
