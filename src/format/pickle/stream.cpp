#include "format/pickle/stream.h"

#include "base/byte_reader.h"
#include "base/fail.h"
#include "format/pickle/extent.h"

namespace torchkeep::pickle {

Stream::Stream(const io::Section& section, const Limits& limits)
    : window_(section), limits_(limits), size_(section.size()) {}

Decoded Stream::next_pickle(const DecodeHooks& hooks) {
  const std::uint64_t begin = position_;
  const auto count = static_cast<std::size_t>(measure_pickle(window_, begin, size_, limits_));
  position_ = begin + count;
  try {
    Decoded decoded = decode(window_.view(begin, count), hooks, limits_);
    globals_.insert(decoded.globals.begin(), decoded.globals.end());
    return decoded;
  } catch (const Error& error) {
    Place place = error.place();
    place.byte_offset = begin + place.byte_offset.value_or(0);
    throw Error(error.code(), error.problem(), place, error.advice());
  }
}

std::uint64_t Stream::next_u64() { return ByteReader(next_bytes(8)).u64(); }

std::uint32_t Stream::next_u32() { return ByteReader(next_bytes(4)).u32(); }

std::span<const std::byte> Stream::next_bytes(std::size_t count) {
  const std::uint64_t begin = position_;
  skip(count);
  return window_.view(begin, count);
}

void Stream::skip(std::uint64_t count) {
  if (count > remaining()) {
    fail_at(ErrorCode::corrupt, {.byte_offset = position_}, "the file may be truncated",
            "the data ends too early (expected {} more bytes, got {})", count, remaining());
  }
  position_ += count;
}

}  // namespace torchkeep::pickle
