// RandAugment (Cubuk et al., 2020) with the operations and magnitudes of torchvision, each made as
// PIL makes it.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>

#include <torchkeep/augmentation.h>

#include "base/fail.h"
#include "vision/blend.h"

namespace torchkeep {

namespace rand_augment_detail {

using Lookup = std::array<std::uint8_t, 256>;
using Histogram = std::array<std::int64_t, 256>;

// Where a pixel comes from: x' = m[0] x + m[1] y + m[2], y' = m[3] x + m[4] y + m[5].
using Matrix = std::array<double, 6>;

// The nearest pixel, in 16 bits behind the point as PIL has it; black outside.
Image transformed(const Image& image, const Matrix& matrix) {
  const auto fixed = [](double number) {
    return static_cast<std::int64_t>(std::floor(number * 65536.0 + 0.5));
  };
  const std::array<std::int64_t, 4> step{fixed(matrix[0]), fixed(matrix[1]), fixed(matrix[3]),
                                         fixed(matrix[4])};
  const std::int64_t start_x = fixed(matrix[2] + matrix[0] * 0.5 + matrix[1] * 0.5);
  const std::int64_t start_y = fixed(matrix[5] + matrix[3] * 0.5 + matrix[4] * 0.5);
  Image result = make_image(image.width, image.height, image.channels);
  for (int y = 0; y < image.height; ++y) {
    std::uint8_t* target = result.row(y);
    for (int x = 0; x < image.width; ++x, target += image.channels) {
      const std::int64_t from_x = (start_x + x * step[0] + y * step[1]) >> 16;
      const std::int64_t from_y = (start_y + x * step[2] + y * step[3]) >> 16;
      if (from_x < 0 || from_x >= image.width || from_y < 0 || from_y >= image.height) continue;
      std::copy_n(image.row(static_cast<int>(from_y)) + from_x * image.channels, image.channels,
                  target);
    }
  }
  return result;
}

Image rotated(const Image& image, double degrees) {
  const double angle = -degrees * std::numbers::pi / 180.0;
  const double x = image.width / 2.0;
  const double y = image.height / 2.0;
  const double cosine = std::cos(angle);
  const double sine = std::sin(angle);
  return transformed(
      image, {cosine, sine, x - cosine * x - sine * y, -sine, cosine, y + sine * x - cosine * y});
}

// Each pixel is a mean of its neighbours in which it counts five times; the margin stays.
Image smoothed(const Image& image) {
  constexpr float kSides = 1.0F / 13.0F;
  constexpr float kMiddle = 5.0F / 13.0F;
  Image result = image;
  for (int y = 1; y + 1 < image.height; ++y) {
    for (int i = image.channels; i < (image.width - 1) * image.channels; ++i) {
      float sum = 0.5F;
      for (int row = y - 1; row <= y + 1; ++row) {
        const std::uint8_t* middle = image.row(row) + i;
        sum += static_cast<float>(middle[-image.channels]) * kSides;
        sum += static_cast<float>(*middle) * (row == y ? kMiddle : kSides);
        sum += static_cast<float>(middle[image.channels]) * kSides;
      }
      result.row(y)[i] = static_cast<std::uint8_t>(std::clamp(sum, 0.0F, 255.0F));
    }
  }
  return result;
}

Image looked_up(const Image& image, const Lookup& table) {
  Image result = image;
  for (std::uint8_t& pixel : result.pixels) pixel = table[pixel];
  return result;
}

Lookup table_of(const std::function<int(int)>& value) {
  Lookup table = {};
  for (int i = 0; i < 256; ++i) {
    table[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(std::clamp(value(i), 0, 255));
  }
  return table;
}

// Each channel by a table that is made from its histogram.
template <class MakeTable>
Image by_histogram(const Image& image, MakeTable make_table) {
  Image result = image;
  const auto channels = static_cast<std::size_t>(image.channels);
  for (std::size_t channel = 0; channel < channels; ++channel) {
    Histogram histogram = {};
    for (std::size_t i = channel; i < image.pixels.size(); i += channels) {
      ++histogram[image.pixels[i]];
    }
    const Lookup table = make_table(histogram);
    for (std::size_t i = channel; i < image.pixels.size(); i += channels) {
      result.pixels[i] = table[image.pixels[i]];
    }
  }
  return result;
}

Lookup contrast_table(const Histogram& histogram) {
  const auto is_used = [](std::int64_t count) { return count > 0; };
  const auto low = static_cast<int>(std::ranges::find_if(histogram, is_used) - histogram.begin());
  const auto high =
      255 - static_cast<int>(std::find_if(histogram.rbegin(), histogram.rend(), is_used) -
                             histogram.rbegin());
  if (high <= low) return table_of([](int i) { return i; });
  const double scale = 255.0 / (high - low);
  return table_of([&](int i) { return static_cast<int>(i * scale + -low * scale); });
}

Lookup equal_table(const Histogram& histogram) {
  const auto last =
      std::find_if(histogram.rbegin(), histogram.rend(), [](std::int64_t n) { return n > 0; });
  const auto all = std::accumulate(histogram.begin(), histogram.end(), std::int64_t{0});
  const std::int64_t step = (all - *last) / 255;
  if (step == 0) return table_of([](int i) { return i; });
  std::int64_t sum = step / 2;
  return table_of([&](int i) {
    const auto value = static_cast<int>(std::min<std::int64_t>(sum / step, 255));
    sum += histogram[static_cast<std::size_t>(i)];
    return value;
  });
}

// From nothing at bin 0 to all at bin 30, and whether the sign is random.
struct Scale {
  double at_last_bin;
  bool has_sign;
};

Scale scale_of(Operation operation, const Image& image) {
  switch (operation) {
    case Operation::shear_x:
    case Operation::shear_y:
      return {0.3, true};
    case Operation::translate_x:
      return {150.0 / 331.0 * image.width, true};
    case Operation::translate_y:
      return {150.0 / 331.0 * image.height, true};
    case Operation::rotate:
      return {30.0, true};
    case Operation::brightness:
    case Operation::colour:
    case Operation::contrast:
    case Operation::sharpness:
      return {0.9, true};
    default:
      return {0.0, false};
  }
}

// torchvision's, on 31 bins.
double magnitude_of(Operation operation, int bin, const Image& image, ImageRandom& random) {
  constexpr double kLastBin = RandAugment::kBins - 1;
  if (operation == Operation::posterise) return 8 - std::nearbyint(bin / (kLastBin / 4));
  if (operation == Operation::solarise) return 255.0 - 255.0 * bin / kLastBin;
  const Scale scale = scale_of(operation, image);
  const double magnitude = scale.at_last_bin * bin / kLastBin;
  return scale.has_sign && random.with_probability(0.5) ? -magnitude : magnitude;
}

}  // namespace rand_augment_detail

Image with_sharpness(const Image& image, double factor) {
  return blend(rand_augment_detail::smoothed(image), image, factor);
}

Image apply(const Image& image, Operation operation, double magnitude) {
  namespace detail = rand_augment_detail;
  switch (operation) {
    case Operation::identity:
      return image;
    case Operation::shear_x:
      return detail::transformed(image, {1.0, magnitude, 0.0, 0.0, 1.0, 0.0});
    case Operation::shear_y:
      return detail::transformed(image, {1.0, 0.0, 0.0, magnitude, 1.0, 0.0});
    case Operation::translate_x:
      return crop(image, -static_cast<int>(magnitude), 0, image.width, image.height);
    case Operation::translate_y:
      return crop(image, 0, -static_cast<int>(magnitude), image.width, image.height);
    case Operation::rotate:
      return detail::rotated(image, magnitude);
    case Operation::brightness:
      return with_brightness(image, 1.0 + magnitude);
    case Operation::colour:
      return with_saturation(image, 1.0 + magnitude);
    case Operation::contrast:
      return with_contrast(image, 1.0 + magnitude);
    case Operation::sharpness:
      return with_sharpness(image, 1.0 + magnitude);
    case Operation::posterise: {
      const int mask = 0xff00 >> std::clamp(static_cast<int>(magnitude), 0, 8);
      return detail::looked_up(image, detail::table_of([&](int i) { return i & mask & 0xff; }));
    }
    case Operation::solarise:
      return detail::looked_up(
          image, detail::table_of([&](int i) { return i < magnitude ? i : 255 - i; }));
    case Operation::autocontrast:
      return detail::by_histogram(image, detail::contrast_table);
    case Operation::equalise:
      return detail::by_histogram(image, detail::equal_table);
  }
  fail(ErrorCode::internal, "there is no operation {}", static_cast<int>(operation));
}

Image rand_augmented(Image image, const RandAugment& options, ImageRandom& random) {
  constexpr int kOperations = static_cast<int>(Operation::equalise) + 1;
  for (int i = 0; i < options.operations; ++i) {
    const auto operation = static_cast<Operation>(random.below(kOperations));
    image = apply(image, operation,
                  rand_augment_detail::magnitude_of(operation, options.magnitude, image, random));
  }
  return image;
}

}  // namespace torchkeep
