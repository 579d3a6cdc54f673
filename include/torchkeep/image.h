// Images of bytes: decoding files, resizing and cutting as PIL and torchvision do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include <torchkeep/preprocessing.h>

namespace torchkeep {

// Rows from the top; the channels of a pixel are neighbours.
struct Image {
  int width = 0;
  int height = 0;
  int channels = 3;
  std::vector<std::uint8_t> pixels = {};  // height * width * channels

  std::size_t row_bytes() const {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  }
  const std::uint8_t* row(int y) const {
    return pixels.data() + static_cast<std::size_t>(y) * row_bytes();
  }
  std::uint8_t* row(int y) { return pixels.data() + static_cast<std::size_t>(y) * row_bytes(); }
};

// An image of that size, black. Throws invalid_argument for a size below 1.
Image make_image(int width, int height, int channels);

struct DecodeOptions {
  int channels = 3;  // 1: grey, 3: red, green, blue
  Orientation orientation = Orientation::as_stored;
  // A JPEG is decoded at 1/2, 1/4 or 1/8 of its size where its shorter side stays at least so long;
  // 0: at its full size.
  int reduce_to = 0;
  // What a header may claim before it is refused: the limit of PIL.
  std::int64_t max_pixels = 178'956'970;
};

// The pixels of a JPEG, PNG or (one picture of) WebP file, recognised by its content, as PIL's
// `Image.open(path).convert("RGB")` gives them, or "L" for one channel: alpha is left out, 16-bit
// colours keep their upper byte, CMYK is taken for inverted as Adobe writes it. Colour profiles are
// ignored. Throws not_found, io; corrupt for a damaged or truncated file; unsupported for another
// format; unsafe for more than max_pixels; all but the last function's naming the path.
Image read_image(const std::filesystem::path& path, const DecodeOptions& options = {});
Image decode_image(std::span<const std::byte> bytes, const DecodeOptions& options = {});

// PIL's Image.resize() to the bit: antialiased, in two passes of 8 bits. Throws invalid_argument
// for a size below 1.
Image resize(const Image& image,
             int width,
             int height,
             Interpolation interpolation = Interpolation::bilinear);

// The shorter side becomes `size`, the other one follows, rounded down: torchvision's Resize.
Image resize_shorter_side(const Image& image,
                          int size,
                          Interpolation interpolation = Interpolation::bilinear);

// The rectangle at (left, top); what lies outside of the image is black.
Image crop(const Image& image, int left, int top, int width, int height);

// torchvision's CenterCrop to a square: a smaller image gets black margins.
Image centre_crop(const Image& image, int size);

// The two one after the other, without computing what is cut off.
Image resize_and_centre_crop(const Image& image,
                             int size,
                             int crop_size,
                             Interpolation interpolation = Interpolation::bilinear);

// Turned as the value of Exif's orientation (1 to 8) asks; other values change nothing.
Image oriented(const Image& image, int exif_orientation);

// PIL's convert("L") and convert("RGB"). Throws unsupported for other numbers of channels.
Image with_channels(const Image& image, int channels);

// The part of a preprocessing that is about pixels: channels, resize, crop.
Image preprocess_pixels(const Image& image, const Preprocessing& preprocessing);

}  // namespace torchkeep
