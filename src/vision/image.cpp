#include <algorithm>

#include <torchkeep/image.h>

#include "base/fail.h"
#include "vision/centre.h"

namespace torchkeep {

namespace image_detail {

// ITU-R 601-2 luma in fixed point, as PIL has it.
std::uint8_t luma(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >>
                                   16);
}

struct Position {
  int x;
  int y;
};

// Where in the stored image the pixel of the turned one comes from.
Position source_of(Position p, int width, int height, int exif_orientation) {
  switch (exif_orientation) {
    case 2:
      return {width - 1 - p.x, p.y};
    case 3:
      return {width - 1 - p.x, height - 1 - p.y};
    case 4:
      return {p.x, height - 1 - p.y};
    case 5:
      return {p.y, p.x};
    case 6:
      return {p.y, height - 1 - p.x};
    case 7:
      return {width - 1 - p.y, height - 1 - p.x};
    case 8:
      return {width - 1 - p.y, p.x};
    default:
      return p;
  }
}

}  // namespace image_detail

Image make_image(int width, int height, int channels) {
  if (width < 1 || height < 1 || channels < 1) {
    fail(ErrorCode::invalid_argument, "there is no image of {}x{} pixels and {} channels", width,
         height, channels);
  }
  Image image{.width = width, .height = height, .channels = channels};
  image.pixels.resize(image.row_bytes() * static_cast<std::size_t>(height));
  return image;
}

Image crop(const Image& image, int left, int top, int width, int height) {
  Image result = make_image(width, height, image.channels);
  const int first_x = std::clamp(left, 0, image.width);
  const int end_x = std::clamp(left + width, first_x, image.width);
  const int end_y = std::min(top + height, image.height);
  for (int y = std::max(top, 0); y < end_y; ++y) {
    std::copy(image.row(y) + first_x * image.channels, image.row(y) + end_x * image.channels,
              result.row(y - top) + (first_x - left) * image.channels);
  }
  return result;
}

Image centre_crop(const Image& image, int size) {
  if (image.width == size && image.height == size) return image;
  return crop(image, centre_offset(image.width, size), centre_offset(image.height, size), size,
              size);
}

Image oriented(const Image& image, int exif_orientation) {
  if (exif_orientation < 2 || exif_orientation > 8) return image;
  const bool is_transposed = exif_orientation >= 5;
  Image result = make_image(is_transposed ? image.height : image.width,
                            is_transposed ? image.width : image.height, image.channels);
  for (int y = 0; y < result.height; ++y) {
    std::uint8_t* target = result.row(y);
    for (int x = 0; x < result.width; ++x, target += image.channels) {
      const auto from =
          image_detail::source_of({x, y}, image.width, image.height, exif_orientation);
      std::copy_n(image.row(from.y) + from.x * image.channels, image.channels, target);
    }
  }
  return result;
}

Image with_channels(const Image& image, int channels) {
  if (image.channels == channels) return image;
  if (image.channels != 4 - channels || (channels != 1 && channels != 3)) {
    fail(ErrorCode::unsupported, "an image of {} channels cannot become one of {}", image.channels,
         channels);
  }
  Image result = make_image(image.width, image.height, channels);
  const std::uint8_t* from = image.pixels.data();
  if (channels == 1) {
    for (std::uint8_t& pixel : result.pixels) {
      pixel = image_detail::luma(from);
      from += 3;
    }
  } else {
    for (std::size_t i = 0; i < result.pixels.size(); i += 3, ++from) {
      std::fill_n(result.pixels.data() + i, 3, *from);
    }
  }
  return result;
}

Image preprocess_pixels(const Image& image, const Preprocessing& preprocessing) {
  if (preprocessing.channels != 0 && preprocessing.channels != image.channels) {
    return preprocess_pixels(with_channels(image, preprocessing.channels), preprocessing);
  }
  if (preprocessing.resize > 0 && preprocessing.crop > 0) {
    return resize_and_centre_crop(image, preprocessing.resize, preprocessing.crop,
                                  preprocessing.interpolation);
  }
  if (preprocessing.resize > 0) {
    return resize_shorter_side(image, preprocessing.resize, preprocessing.interpolation);
  }
  return preprocessing.crop > 0 ? centre_crop(image, preprocessing.crop) : image;
}

}  // namespace torchkeep
