// The values that a pickle may refer to again. They are held by reference.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include <torchkeep/value.h>

#include "base/fail.h"
#include "base/seeded_hash.h"

namespace torchkeep::pickle {

// Picklers number from 0 or 1 upwards; those entries lie in a vector. Others cost no more memory
// than one entry, whatever their number.
template <class Entry>
class BasicMemo {
 public:
  explicit BasicMemo(std::uint64_t max_entries) : max_entries_(max_entries) {}

  std::uint64_t size() const { return dense_.size() + sparse_.size(); }

  void put(std::uint64_t number, const Entry& value) {
    if (number < dense_.size()) {
      dense_[number] = value;
      return;
    }
    if (size() >= max_entries_) {
      fail_at(ErrorCode::unsafe, {}, "raise the limit if you trust the file",
              "more than {} memo entries (Limits::max_memo_entries)", max_entries_);
    }
    if (number > dense_.size() + 1) {
      sparse_[number] = value;
      return;
    }
    dense_.resize(number);
    dense_.emplace_back(value);
    sparse_.erase(number);
  }

  const Entry& get(std::uint64_t number) const {
    if (number < dense_.size() && dense_[number]) return *dense_[number];
    const auto found = sparse_.find(number);
    if (found == sparse_.end()) fail(ErrorCode::corrupt, "there is no memo entry {}", number);
    return found->second;
  }

 private:
  std::uint64_t max_entries_;
  std::vector<std::optional<Entry>> dense_;
  std::unordered_map<std::uint64_t, Entry, SeededHash> sparse_;
};

using Memo = BasicMemo<Value>;

}  // namespace torchkeep::pickle
