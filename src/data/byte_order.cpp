#include "data/byte_order.h"

#include <algorithm>

namespace torchkeep {

std::size_t number_bytes(DType dtype) {
  return static_cast<std::size_t>(is_complex(dtype) ? item_bytes(dtype) / 2 : item_bytes(dtype));
}

void swap_byte_order(std::span<std::byte> elements, DType dtype) {
  const std::size_t size = number_bytes(dtype);
  for (; elements.size() >= size; elements = elements.subspan(size)) {
    std::ranges::reverse(elements.first(size));
  }
}

}  // namespace torchkeep
