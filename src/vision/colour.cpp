// Changes of colour as PIL's ImageEnhance and torchvision's adjust_hue make them, in their
// precision: float32, cut to whole numbers.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <torchkeep/augmentation.h>

#include "base/fail.h"
#include "vision/blend.h"

namespace torchkeep {

namespace colour_detail {

std::uint8_t cut_to_byte(float value) {
  return static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F));
}

// PIL's blend(): `degenerate` at factor 0, the image at 1, and further.
void blend(std::uint8_t degenerate, std::uint8_t& pixel, float factor) {
  const auto from = static_cast<float>(degenerate);
  pixel = cut_to_byte(from + factor * static_cast<float>(int{pixel} - int{degenerate}));
}

Image blended(const Image& image, std::uint8_t degenerate, double factor) {
  Image result = image;
  for (std::uint8_t& pixel : result.pixels) blend(degenerate, pixel, static_cast<float>(factor));
  return result;
}

struct Hsv {
  std::uint8_t hue;
  std::uint8_t saturation;
  std::uint8_t value;
};

Hsv to_hsv(const std::uint8_t* rgb) {
  const auto [least, most] = std::minmax({rgb[0], rgb[1], rgb[2]});
  if (least == most) return {0, 0, most};
  const auto range = static_cast<float>(most - least);
  const auto below_most = [&](std::uint8_t value) {
    return static_cast<float>(most - value) / range;
  };
  const float red = below_most(rgb[0]);
  const float green = below_most(rgb[1]);
  const float blue = below_most(rgb[2]);
  float sixths = 0.0F;
  if (rgb[0] == most) {
    sixths = blue - green;
  } else if (rgb[1] == most) {
    sixths = static_cast<float>(2.0 + red - blue);
  } else {
    sixths = static_cast<float>(4.0 + green - red);
  }
  const auto hue = static_cast<float>(std::fmod(sixths / 6.0 + 1.0, 1.0));
  const float saturation = range / static_cast<float>(most);
  return {static_cast<std::uint8_t>(hue * 255.0), static_cast<std::uint8_t>(saturation * 255.0),
          most};
}

std::array<std::uint8_t, 3> to_rgb(const Hsv& hsv) {
  if (hsv.saturation == 0) return {hsv.value, hsv.value, hsv.value};
  const double sixths = hsv.hue * 6.0 / 255.0;
  const auto sixth = static_cast<int>(std::floor(sixths));
  const auto part = static_cast<float>(sixths - static_cast<float>(sixth));
  const auto saturation = static_cast<float>(hsv.saturation / 255.0);
  const auto scaled = [&](double share) {
    return static_cast<std::uint8_t>(std::clamp(std::round(hsv.value * (1.0 - share)), 0.0, 255.0));
  };
  const std::uint8_t low = scaled(saturation);
  const std::uint8_t falling = scaled(static_cast<double>(saturation * part));
  const std::uint8_t rising = scaled(saturation * (1.0 - part));
  switch (sixth % 6) {
    case 0:
      return {hsv.value, rising, low};
    case 1:
      return {falling, hsv.value, low};
    case 2:
      return {low, hsv.value, rising};
    case 3:
      return {low, falling, hsv.value};
    case 4:
      return {rising, low, hsv.value};
    default:
      return {hsv.value, low, falling};
  }
}

}  // namespace colour_detail

Image blend(const Image& degenerate, const Image& image, double factor) {
  Image result = image;
  for (std::size_t i = 0; i < result.pixels.size(); ++i) {
    colour_detail::blend(degenerate.pixels[i], result.pixels[i], static_cast<float>(factor));
  }
  return result;
}

Image with_brightness(const Image& image, double factor) {
  return colour_detail::blended(image, 0, factor);
}

Image with_contrast(const Image& image, double factor) {
  const Image grey = with_channels(image, 1);
  const auto sum = std::accumulate(grey.pixels.begin(), grey.pixels.end(), std::uint64_t{0});
  const double mean = static_cast<double>(sum) / static_cast<double>(grey.pixels.size());
  return colour_detail::blended(image, static_cast<std::uint8_t>(mean + 0.5), factor);
}

Image with_saturation(const Image& image, double factor) {
  if (image.channels == 1) return image;
  return blend(with_channels(with_channels(image, 1), 3), image, factor);
}

Image with_hue(const Image& image, double shift) {
  if (!(shift >= -0.5 && shift <= 0.5)) {
    fail(ErrorCode::invalid_argument, "a hue is turned by {} (expected -0.5 to 0.5)", shift);
  }
  if (image.channels == 1) return image;
  const auto steps = static_cast<std::uint8_t>(static_cast<int>(shift * 255.0));
  Image result = image;
  for (std::size_t i = 0; i < result.pixels.size(); i += 3) {
    colour_detail::Hsv hsv = colour_detail::to_hsv(result.pixels.data() + i);
    hsv.hue = static_cast<std::uint8_t>(hsv.hue + steps);
    std::ranges::copy(colour_detail::to_rgb(hsv),
                      result.pixels.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return result;
}

}  // namespace torchkeep
