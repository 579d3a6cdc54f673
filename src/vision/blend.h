// Between two images, and beyond.
#pragma once

#include <torchkeep/image.h>

namespace torchkeep {

// PIL's Image.blend(): `degenerate` at factor 0, `image` at 1. Both are of one size.
Image blend(const Image& degenerate, const Image& image, double factor);

}  // namespace torchkeep
