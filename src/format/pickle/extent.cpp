#include "format/pickle/extent.h"

#include <algorithm>
#include <limits>

#include "base/fail.h"
#include "format/pickle/opcode.h"

namespace torchkeep::pickle {
namespace {

class Steps {
 public:
  Steps(io::Window& window, std::uint64_t begin, std::uint64_t end, const Limits& limits)
      : window_(window),
        position_(begin),
        end_(begin + std::min(end - begin, limits.max_pickle_bytes)),
        limited_(end_ < end),
        limit_(limits.max_pickle_bytes) {}

  std::uint64_t position() const { return position_; }

  // False after STOP.
  bool step() {
    const std::uint64_t offset = position_;
    const auto byte = static_cast<std::uint8_t>(take_unsigned(1));
    const OpcodeInfo* info = find_opcode(byte);
    if (info == nullptr) {
      fail_at(ErrorCode::corrupt, {.byte_offset = offset}, "",
              "the byte 0x{:02x} is no opcode of pickle", byte);
    }
    skip_argument(info->argument);
    return info->opcode != Opcode::stop;
  }

 private:
  void skip_argument(ArgumentForm form) {
    switch (form) {
      case ArgumentForm::none:
        return;
      case ArgumentForm::uint1:
        return skip(1);
      case ArgumentForm::uint2:
        return skip(2);
      case ArgumentForm::uint4:
      case ArgumentForm::int4:
        return skip(4);
      case ArgumentForm::uint8:
      case ArgumentForm::float8:
        return skip(8);
      case ArgumentForm::line:
        return skip_line();
      case ArgumentForm::two_lines:
        skip_line();
        return skip_line();
      case ArgumentForm::counted1:
        return skip(take_unsigned(1));
      case ArgumentForm::counted4:
      case ArgumentForm::counted4_signed:  // a negative length is longer than any pickle
        return skip(take_unsigned(4));
      case ArgumentForm::counted8:
        return skip(take_unsigned(8));
    }
  }

  void skip(std::uint64_t count) {
    if (count > end_ - position_) throw_endless();
    position_ += count;
  }

  std::uint64_t take_unsigned(std::size_t width) {
    const std::uint64_t begin = position_;
    skip(width);
    std::uint64_t number = 0;
    const std::span<const std::byte> bytes = window_.view(begin, width);
    for (std::size_t i = width; i-- > 0;)
      number = number << 8 | std::to_integer<unsigned>(bytes[i]);
    return number;
  }

  void skip_line() {
    constexpr std::uint64_t kPiece = 256;
    while (position_ < end_) {
      const auto size = static_cast<std::size_t>(std::min(kPiece, end_ - position_));
      const std::span<const std::byte> piece = window_.view(position_, size);
      const auto newline = std::ranges::find(piece, std::byte{'\n'});
      position_ += static_cast<std::uint64_t>(newline - piece.begin());
      if (newline != piece.end()) return skip(1);
    }
    throw_endless();
  }

  [[noreturn]] void throw_endless() const {
    const Place place = {.byte_offset = position_};
    if (limited_) {
      fail_at(ErrorCode::unsafe, place, "raise the limit if you trust the file",
              "the pickle is longer than {} bytes (Limits::max_pickle_bytes)", limit_);
    }
    fail_at(ErrorCode::corrupt, place, "the file may be truncated",
            "the pickle ends in the middle");
  }

  io::Window& window_;
  std::uint64_t position_;
  std::uint64_t end_;
  bool limited_;  // there are more bytes than the limit allows
  std::uint64_t limit_;
};

}  // namespace

std::uint64_t measure_pickle(io::Window& window,
                             std::uint64_t begin,
                             std::uint64_t end,
                             const Limits& limits) {
  Steps steps(window, begin, end, limits);
  while (steps.step()) {
  }
  return steps.position() - begin;
}

}  // namespace torchkeep::pickle
