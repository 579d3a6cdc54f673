// PIL's antialiased resize (its Resample.c), to the bit: weights in fixed point with 22 bits behind
// the point, first along the rows, then along the columns, rounded to a byte after each.
#include <algorithm>
#include <cmath>

#include <torchkeep/image.h>

#include "base/fail.h"
#include "vision/centre.h"

namespace torchkeep {

namespace resize_detail {

constexpr int kFractionBits = 22;
constexpr std::int32_t kHalf = 1 << (kFractionBits - 1);

double bilinear(double x) {
  const double distance = std::abs(x);
  return distance < 1.0 ? 1.0 - distance : 0.0;
}

// Keys' cubic convolution with a = -0.5.
double bicubic(double x) {
  constexpr double a = -0.5;
  const double distance = std::abs(x);
  if (distance < 1.0) return ((a + 2.0) * distance - (a + 3.0)) * distance * distance + 1.0;
  if (distance < 2.0) return (((distance - 5.0) * distance + 8.0) * distance - 4.0) * a;
  return 0.0;
}

struct Kernel {
  double (*weight)(double);
  double support;  // pixels to each side
};

Kernel kernel_of(Interpolation interpolation) {
  if (interpolation == Interpolation::bicubic) return {bicubic, 2.0};
  return {bilinear, 1.0};
}

// Some of the positions along one side of the resized image.
struct Range {
  int first;
  int count;
};

// For each output position of a range the inputs that count, and their weights.
class Taps {
 public:
  struct Tap {
    int first = 0;
    int count = 0;
    const std::int32_t* weights = nullptr;
  };

  Taps(int input, int output, Range range, const Kernel& kernel) {
    const double scale = static_cast<double>(input) / output;
    const double filter_scale = std::max(scale, 1.0);
    const double support = kernel.support * filter_scale;
    const auto most = static_cast<std::size_t>(std::ceil(support)) * 2 + 1;
    weights_.resize(most * static_cast<std::size_t>(range.count));
    std::vector<double> exact(most);
    for (int i = 0; i < range.count; ++i) {
      const double centre = (range.first + i + 0.5) * scale;
      const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
      const int count = std::min(static_cast<int>(centre + support + 0.5), input) - first;
      for (int k = 0; k < count; ++k) {
        exact[static_cast<std::size_t>(k)] =
            kernel.weight((k + first - centre + 0.5) * (1.0 / filter_scale));
      }
      std::int32_t* weights = weights_.data() + most * static_cast<std::size_t>(i);
      set_weights(exact, count, weights);
      taps_.push_back({first, count, weights});
    }
  }

  const Tap& operator[](int i) const { return taps_[static_cast<std::size_t>(i)]; }

  // The inputs that count for any output.
  Range inputs() const {
    const int first = taps_.front().first;
    return {first, taps_.back().first + taps_.back().count - first};
  }

 private:
  // Scaled so that their sum is 1.
  static void set_weights(const std::vector<double>& exact, int count, std::int32_t* weights) {
    double sum = 0.0;
    for (int k = 0; k < count; ++k) sum += exact[static_cast<std::size_t>(k)];
    for (int k = 0; k < count; ++k) {
      const double weight = sum == 0.0 ? 0.0 : exact[static_cast<std::size_t>(k)] / sum;
      weights[k] = static_cast<std::int32_t>(std::round(weight * (1 << kFractionBits)));
    }
  }

  std::vector<std::int32_t> weights_;
  std::vector<Tap> taps_;
};

std::uint8_t rounded(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

template <int kChannels>
void resize_row(const std::uint8_t* row, const Taps& taps, int width, std::uint8_t* target) {
  for (int x = 0; x < width; ++x, target += kChannels) {
    const Taps::Tap& tap = taps[x];
    std::int32_t sums[kChannels];
    std::fill_n(sums, kChannels, kHalf);
    const std::uint8_t* pixel = row + tap.first * kChannels;
    for (int k = 0; k < tap.count; ++k, pixel += kChannels) {
      for (int c = 0; c < kChannels; ++c) sums[c] += pixel[c] * tap.weights[k];
    }
    for (int c = 0; c < kChannels; ++c) target[c] = rounded(sums[c]);
  }
}

// Of `rows` of the image, the columns of `range` once it is `width` wide.
Image resize_rows(const Image& image, Range rows, int width, Range range, const Kernel& kernel) {
  const Taps taps(image.width, width, range, kernel);
  Image resized = make_image(range.count, rows.count, image.channels);
  const auto resize_one = image.channels == 3 ? resize_row<3> : resize_row<1>;
  for (int y = 0; y < rows.count; ++y) {
    resize_one(image.row(rows.first + y), taps, range.count, resized.row(y));
  }
  return resized;
}

// `image` begins at row `top` of the one that `taps` are for.
Image resize_columns(const Image& image, int top, const Taps& taps, int height) {
  Image resized = make_image(image.width, height, image.channels);
  std::vector<std::int32_t> sums(image.row_bytes());
  for (int y = 0; y < height; ++y) {
    const Taps::Tap& tap = taps[y];
    std::ranges::fill(sums, kHalf);
    for (int k = 0; k < tap.count; ++k) {
      const std::uint8_t* row = image.row(tap.first - top + k);
      const std::int32_t weight = tap.weights[k];
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += row[i] * weight;
    }
    std::ranges::transform(sums, resized.row(y), rounded);
  }
  return resized;
}

// The part of the resized image; PIL leaves out a pass that would change nothing.
Image resize_part(const Image& image,
                  int width,
                  int height,
                  Range columns,
                  Range rows,
                  const Kernel& kernel) {
  if (height == image.height) {
    if (width == image.width) {
      return crop(image, columns.first, rows.first, columns.count, rows.count);
    }
    return resize_rows(image, rows, width, columns, kernel);
  }
  const Taps taps(image.height, height, rows, kernel);
  const Range inputs = taps.inputs();
  const Image narrow = width == image.width
                           ? crop(image, columns.first, inputs.first, columns.count, inputs.count)
                           : resize_rows(image, inputs, width, columns, kernel);
  return resize_columns(narrow, inputs.first, taps, rows.count);
}

struct Size {
  int width;
  int height;
};

// torchvision's Resize to one number.
Size size_with_shorter_side(const Image& image, int size) {
  const int shorter = std::min(image.width, image.height);
  const int longer = std::max(image.width, image.height);
  const double exact = static_cast<double>(std::int64_t{size} * longer) / shorter;
  if (exact * size > static_cast<double>(DecodeOptions().max_pixels)) {
    fail(ErrorCode::unsafe, "an image of {}x{} pixels would become one of {:.0f}x{}", image.width,
         image.height, exact, size);
  }
  const int other = static_cast<int>(exact);
  return image.width <= image.height ? Size{size, other} : Size{other, size};
}

void check_channels(const Image& image) {
  if (image.channels == 1 || image.channels == 3) return;
  fail(ErrorCode::unsupported, "an image of {} channels cannot be resized (expected 1 or 3)",
       image.channels);
}

}  // namespace resize_detail

Image resize(const Image& image, int width, int height, Interpolation interpolation) {
  namespace detail = resize_detail;
  detail::check_channels(image);
  if (width < 1 || height < 1) {
    fail(ErrorCode::invalid_argument, "an image cannot be resized to {}x{} pixels", width, height);
  }
  if (width == image.width && height == image.height) return image;
  return detail::resize_part(image, width, height, {0, width}, {0, height},
                             detail::kernel_of(interpolation));
}

Image resize_shorter_side(const Image& image, int size, Interpolation interpolation) {
  const auto target = resize_detail::size_with_shorter_side(image, size);
  return resize(image, target.width, target.height, interpolation);
}

Image resize_and_centre_crop(const Image& image,
                             int size,
                             int crop_size,
                             Interpolation interpolation) {
  namespace detail = resize_detail;
  detail::check_channels(image);
  const auto target = detail::size_with_shorter_side(image, size);
  if (crop_size > std::min(target.width, target.height)) {
    return centre_crop(resize(image, target.width, target.height, interpolation), crop_size);
  }
  return detail::resize_part(
      image, target.width, target.height, {centre_offset(target.width, crop_size), crop_size},
      {centre_offset(target.height, crop_size), crop_size}, detail::kernel_of(interpolation));
}

}  // namespace torchkeep
