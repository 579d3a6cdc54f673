// A pickle as a sequence of opcodes with their arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "format/pickle/opcode.h"

namespace torchkeep::pickle {

struct Instruction {
  const OpcodeInfo* info = nullptr;
  std::size_t offset = 0;    // of the opcode's byte
  std::uint64_t number = 0;  // integer arguments; those with a sign are sign-extended
  double real = 0.0;
  std::string_view text;  // counted bytes, the line, or the first line; refers to the pickle
  std::string_view name;  // the second line
};

// Reads one after the other. Every length is compared with the bytes that are left.
class InstructionReader {
 public:
  // Only the first `max_bytes` of `bytes` may be needed.
  InstructionReader(std::span<const std::byte> bytes, std::uint64_t max_bytes);

  // Throws corrupt where the pickle ends early, for a byte that is no opcode and for a negative
  // length, and unsafe where more than the allowed bytes are needed.
  Instruction next();

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }

 private:
  std::string_view take(std::uint64_t count);
  std::string_view take_line();
  std::uint64_t take_unsigned(std::size_t width);
  [[noreturn]] void throw_truncated() const;

  std::string_view bytes_;
  bool limited_;  // there are more bytes than the limit allows
  std::size_t position_ = 0;
};

}  // namespace torchkeep::pickle
