// The order of the bytes in numbers.
#pragma once

#include <cstddef>
#include <span>

#include <torchkeep/dtype.h>

namespace torchkeep {

// Bytes of the numbers that an element consists of: a complex one has two.
std::size_t number_bytes(DType dtype);

// Turns big-endian elements into little-endian ones, or back.
void swap_byte_order(std::span<std::byte> elements, DType dtype);

}  // namespace torchkeep
