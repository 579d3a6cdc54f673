// The stack of the pickle machine.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/value.h>

#include "base/fail.h"

namespace torchkeep::pickle {

// What lies below the last mark cannot be reached until the mark is taken away.
class Stack {
 public:
  explicit Stack(std::uint64_t max_depth) : max_depth_(max_depth) {}

  std::size_t size() const { return values_.size(); }
  bool has_marks() const { return !marks_.empty(); }
  bool at_mark() const { return values_.size() == floor(); }

  void push(Value value) {
    check_depth();
    values_.push_back(std::move(value));
  }

  void push_mark() {
    check_depth();
    marks_.push_back(values_.size());
  }

  const Value& top() const {
    if (at_mark()) fail(ErrorCode::corrupt, "an opcode needs more values than there are");
    return values_.back();
  }

  Value pop() {
    top();
    Value value = std::move(values_.back());
    values_.pop_back();
    return value;
  }

  void pop_mark() {
    if (marks_.empty()) fail(ErrorCode::corrupt, "an opcode needs a mark and there is none");
    marks_.pop_back();
  }

  // The values above the last mark, which goes away.
  List pop_to_mark() {
    const std::size_t first = floor();
    pop_mark();
    const auto begin = values_.begin() + static_cast<std::ptrdiff_t>(first);
    List items(std::make_move_iterator(begin), std::make_move_iterator(values_.end()));
    values_.erase(begin, values_.end());
    return items;
  }

  // The dict key under which the value at the top will probably be stored; empty if there is none.
  std::string likely_key() const {
    constexpr std::size_t kReach = 4;  // a tensor's arguments are not finished yet
    constexpr std::size_t kShown = 200;
    for (std::size_t i = 0; i < kReach && i < values_.size(); ++i) {
      const Value& value = values_[values_.size() - 1 - i];
      if (value.is_string()) return value.as_string().substr(0, kShown);
      if (!value.is_object()) break;
    }
    return {};
  }

 private:
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  void check_depth() const {
    if (values_.size() + marks_.size() >= max_depth_) {
      fail_at(ErrorCode::unsafe, {}, "raise the limit if you trust the file",
              "more than {} pending values (Limits::max_stack_depth)", max_depth_);
    }
  }

  std::uint64_t max_depth_;
  std::vector<Value> values_;
  std::vector<std::size_t> marks_;
};

}  // namespace torchkeep::pickle
