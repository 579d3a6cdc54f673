// Numbers of more than 32 bits in a header's extra field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace torchkeep::zip {

// Replaces those of the numbers that are saturated by what the zip64 block of `extra` says, where
// there is one. Throws corrupt if the block is too short.
void apply_zip64_extra(std::span<const std::byte> extra,
                       std::uint64_t& bytes,
                       std::uint64_t& stored_bytes,
                       std::uint64_t& header_offset);

}  // namespace torchkeep::zip
