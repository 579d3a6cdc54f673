// Mending the smallest damage there is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace torchkeep::io {

// The one bit whose flip turns bytes with the CRC-32 `got` into bytes with the CRC-32 `expected`,
// counted from the first byte's lowest bit; nothing if there is none. CRC-32 is linear: what a bit
// changes in it depends on its distance from the end alone. Of n bytes that are damaged otherwise,
// 8 n in 2^32 look as if one bit had been flipped.
std::optional<std::uint64_t> find_flipped_bit(std::size_t bytes,
                                              std::uint32_t got,
                                              std::uint32_t expected);

// Flips a bit, counted as above.
void flip_bit(std::span<std::byte> bytes, std::uint64_t bit);

}  // namespace torchkeep::io
