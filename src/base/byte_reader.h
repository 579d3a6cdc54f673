// Little-endian numbers in bytes: the one place that reads them from files, with bounds checked.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/fail.h"

namespace torchkeep {

// Reads from the front of `bytes`, which must outlive it. Reading past the end throws corrupt.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }

  std::span<const std::byte> bytes(std::size_t size) {
    if (size > remaining()) {
      fail(ErrorCode::corrupt, "ends too early (expected {} more bytes, got {})", size,
           remaining());
    }
    const std::span<const std::byte> result = bytes_.subspan(position_, size);
    position_ += size;
    return result;
  }
  std::string_view text(std::size_t size) {
    const std::span<const std::byte> result = bytes(size);
    return {reinterpret_cast<const char*>(result.data()), result.size()};
  }
  template <std::unsigned_integral T>
  T number() {
    T result = 0;
    const std::span<const std::byte> source = bytes(sizeof(T));
    for (std::size_t i = sizeof(T); i-- > 0;) {
      result = static_cast<T>((std::uint64_t{result} << 8) | std::to_integer<T>(source[i]));
    }
    return result;
  }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }

 private:
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
};

// Appends a number, little-endian.
template <std::unsigned_integral T>
void append_number(std::string& out, T number) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<char>((std::uint64_t{number} >> (8 * i)) & 0xFF));
  }
}

}  // namespace torchkeep
