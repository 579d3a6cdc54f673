#include "format/pickle/instruction.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/fail.h"

namespace torchkeep::pickle {
namespace {

std::uint64_t sign_extended(std::uint64_t number) {
  return static_cast<std::uint64_t>(
      static_cast<std::int64_t>(static_cast<std::int32_t>(static_cast<std::uint32_t>(number))));
}

}  // namespace

InstructionReader::InstructionReader(std::span<const std::byte> bytes, std::uint64_t max_bytes)
    : bytes_(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), max_bytes))),
      limited_(bytes_.size() < bytes.size()) {}

void InstructionReader::throw_truncated() const {
  if (limited_) {
    fail_at(ErrorCode::unsafe, {}, "raise the limit if you trust the file",
            "the pickle is longer than {} bytes (Limits::max_pickle_bytes)", bytes_.size());
  }
  fail_at(ErrorCode::corrupt, {}, "the file may be truncated", "the pickle ends in the middle");
}

std::string_view InstructionReader::take(std::uint64_t count) {
  if (count > bytes_.size() - position_) throw_truncated();
  const std::string_view taken = bytes_.substr(position_, static_cast<std::size_t>(count));
  position_ += taken.size();
  return taken;
}

std::string_view InstructionReader::take_line() {
  const std::size_t end = bytes_.find('\n', position_);
  if (end == std::string_view::npos) throw_truncated();
  const std::string_view line = bytes_.substr(position_, end - position_);
  position_ = end + 1;
  return line;
}

std::uint64_t InstructionReader::take_unsigned(std::size_t width) {
  const std::string_view taken = take(width);
  std::uint64_t number = 0;
  for (std::size_t i = width; i-- > 0;) {
    number = number << 8 | static_cast<std::uint8_t>(taken[i]);
  }
  return number;
}

Instruction InstructionReader::next() {
  Instruction result;
  result.offset = position_;
  const auto byte = static_cast<std::uint8_t>(take(1)[0]);
  result.info = find_opcode(byte);
  if (result.info == nullptr) {
    fail(ErrorCode::corrupt, "the byte 0x{:02x} is no opcode of pickle", byte);
  }
  switch (result.info->argument) {
    case ArgumentForm::none:
      break;
    case ArgumentForm::uint1:
      result.number = take_unsigned(1);
      break;
    case ArgumentForm::uint2:
      result.number = take_unsigned(2);
      break;
    case ArgumentForm::uint4:
      result.number = take_unsigned(4);
      break;
    case ArgumentForm::int4:
      result.number = sign_extended(take_unsigned(4));
      break;
    case ArgumentForm::uint8:
      result.number = take_unsigned(8);
      break;
    case ArgumentForm::float8:
      result.real = std::bit_cast<double>(__builtin_bswap64(take_unsigned(8)));
      break;
    case ArgumentForm::line:
      result.text = take_line();
      break;
    case ArgumentForm::two_lines:
      result.text = take_line();
      result.name = take_line();
      break;
    case ArgumentForm::counted1:
      result.text = take(take_unsigned(1));
      break;
    case ArgumentForm::counted4:
      result.text = take(take_unsigned(4));
      break;
    case ArgumentForm::counted8:
      result.text = take(take_unsigned(8));
      break;
    case ArgumentForm::counted4_signed: {
      const std::uint64_t count = take_unsigned(4);
      if (count > std::numeric_limits<std::int32_t>::max()) {
        fail(ErrorCode::corrupt, "negative length");
      }
      result.text = take(count);
      break;
    }
  }
  return result;
}

}  // namespace torchkeep::pickle
