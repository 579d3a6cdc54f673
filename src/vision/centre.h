// Where torchvision's CenterCrop cuts.
#pragma once

#include <cmath>

namespace torchkeep {

// Where a cut of `size` from the middle of `length` begins; negative if margins are needed.
// Python's round() takes halves to the even number.
inline int centre_offset(int length, int size) {
  if (length < size) return -((size - length) / 2);
  return static_cast<int>(std::nearbyint((length - size) / 2.0));
}

}  // namespace torchkeep
