#include "format/pickle/machine.h"

#include <utility>

#include "base/fail.h"
#include "format/pickle/number.h"

namespace torchkeep::pickle {
namespace {

constexpr std::uint64_t kNewestProtocol = 5;

}  // namespace

Machine::Machine(std::span<const std::byte> bytes, const DecodeHooks& hooks, const Limits& limits)
    : reader_(bytes, limits.max_pickle_bytes),
      hooks_(hooks),
      limits_(limits),
      stack_(limits.max_stack_depth),
      fetched_(bytes, limits.max_pickle_bytes),
      memo_(limits.max_memo_entries),
      budget_(limits.max_value_bytes) {}

Decoded Machine::run() {
  for (std::uint64_t count = 0;; ++count) {
    const std::size_t offset = reader_.position();
    try {
      const Instruction instruction = reader_.next();
      if (count >= limits_.max_pickle_opcodes) {
        fail_at(ErrorCode::unsafe, {}, "raise the limit if you trust the file",
                "more than {} opcodes (Limits::max_pickle_opcodes)", limits_.max_pickle_opcodes);
      }
      if (instruction.info->opcode == Opcode::stop) return stop();
      step(instruction);
    } catch (Error& error) {
      error.add_place({.byte_offset = offset});
      if (error.code() != ErrorCode::invalid_argument) throw;
      // The arguments come from the file.
      throw Error(ErrorCode::corrupt, error.problem(), error.place(), error.advice());
    }
  }
}

void Machine::step(const Instruction& instruction) {
  const bool known = step_memo(instruction) || step_text(instruction) || step_number(instruction) ||
                     step_container(instruction) || step_filling(instruction) ||
                     step_object(instruction) || step_control(instruction);
  if (!known) fail(ErrorCode::internal, "no step for opcode {}", instruction.info->name);
}

bool Machine::step_memo(const Instruction& instruction) {
  switch (instruction.info->opcode) {
    case Opcode::binput:
    case Opcode::long_binput:
      remember_top(instruction.number);
      return true;
    case Opcode::put:
      remember_top(memo_number(instruction.text));
      return true;
    case Opcode::memoize:
      remember_top(memo_.size());
      return true;
    case Opcode::binget:
    case Opcode::long_binget:
      push_again(memo_.get(instruction.number));
      return true;
    case Opcode::get:
      push_again(memo_.get(memo_number(instruction.text)));
      return true;
    case Opcode::dup:
      push_again(stack_.top());
      return true;
    default:
      return false;
  }
}

bool Machine::step_control(const Instruction& instruction) {
  switch (instruction.info->opcode) {
    case Opcode::proto:
      protocol_ = instruction.number;
      if (protocol_ > kNewestProtocol) {
        fail(ErrorCode::unsupported, "pickle protocol {} (expected at most {})", protocol_,
             kNewestProtocol);
      }
      return true;
    case Opcode::frame:
      if (instruction.number > reader_.remaining()) {
        fail_at(ErrorCode::corrupt, {}, "the file may be truncated",
                "a frame of {} bytes with {} left", instruction.number, reader_.remaining());
      }
      return true;
    case Opcode::mark:
      stack_.push_mark();
      return true;
    case Opcode::pop:
      if (stack_.at_mark()) {
        stack_.pop_mark();
      } else {
        stack_.pop();
      }
      return true;
    case Opcode::pop_mark:
      stack_.pop_to_mark();
      return true;
    default:
      return false;
  }
}

void Machine::remember_top(std::uint64_t number) {
  const Value& top = stack_.top();
  if (fetched_.contains(number)) memo_.put(number, top);
}

void Machine::push_again(Value value) {
  shared_.add(value);
  stack_.push(std::move(value));
}

Decoded Machine::stop() {
  Value value = stack_.pop();
  if (stack_.size() != 0 || stack_.has_marks()) {
    fail(ErrorCode::corrupt, "values are left over at the end");
  }
  shared_.release(value);
  return {.value = std::move(value),
          .globals = {globals_.begin(), globals_.end()},
          .bytes_used = reader_.position()};
}

}  // namespace torchkeep::pickle
