// The decoders of image files, one a format. None of them needs LibTorch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <torchkeep/image.h>

namespace torchkeep {

struct DecodedImage {
  Image image = {};          // of 1 or 3 channels, as the file has them
  int exif_orientation = 1;  // 1 to 8
};

// Throw corrupt, unsupported and unsafe as decode_image() does.
DecodedImage decode_jpeg(std::span<const std::byte> bytes, const DecodeOptions& options);
DecodedImage decode_png(std::span<const std::byte> bytes, const DecodeOptions& options);
DecodedImage decode_webp(std::span<const std::byte> bytes, const DecodeOptions& options);

// Compares the size in a header with the limit. Throws corrupt for a size below 1, unsafe.
void check_image_size(std::int64_t width, std::int64_t height, const DecodeOptions& options);

// Throws corrupt if a header claims more pixels than `bytes` can hold at `pixels_per_byte`.
void check_pixels_fit(std::int64_t width,
                      std::int64_t height,
                      std::size_t bytes,
                      double pixels_per_byte);

// The orientation in Exif data, which begin with the header of a TIFF; 1 where there is none or the
// data are damaged.
int exif_orientation(std::span<const std::byte> tiff);

}  // namespace torchkeep
