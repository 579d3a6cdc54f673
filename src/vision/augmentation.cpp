#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <torchkeep/augmentation.h>

#include "base/fail.h"

namespace torchkeep {

namespace augmentation_detail {

constexpr int kAttempts = 10;
constexpr double kMostAlpha = 2.0;  // above, Jöhnk's method takes long

void check_count(const char* what, int value, int least, int most) {
  if (value >= least && value <= most) return;
  fail(ErrorCode::invalid_argument, "the {} is {} (expected {} to {})", what, value, least, most);
}

void check_probability(const char* what, double value) {
  if (value >= 0.0 && value <= 1.0) return;
  fail(ErrorCode::invalid_argument, "the probability of {} is {} (expected 0 to 1)", what, value);
}

void check_range(const char* what, double low, double high, double most) {
  if (low > 0.0 && low <= high && high <= most) return;
  fail(ErrorCode::invalid_argument, "the {} goes from {} to {} (expected above 0 to at most {})",
       what, low, high, most);
}

void check_factor(const char* what, double value, double most) {
  if (value >= 0.0 && value <= most) return;
  fail(ErrorCode::invalid_argument, "the jitter of the {} is {} (expected 0 to {})", what, value,
       most);
}

struct Rectangle {
  int left;
  int top;
  int width;
  int height;
};

// A rectangle of random area and form inside an image; nothing after ten that did not fit.
std::optional<Rectangle> random_rectangle(int width,
                                          int height,
                                          std::pair<double, double> scale,
                                          std::pair<double, double> ratio,
                                          ImageRandom& random) {
  const double area = static_cast<double>(width) * height;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const double target = area * random.uniform(scale.first, scale.second);
    const double form = std::exp(random.uniform(std::log(ratio.first), std::log(ratio.second)));
    const double wide = std::nearbyint(std::sqrt(target * form));
    const double high = std::nearbyint(std::sqrt(target / form));
    if (wide < 1 || wide > width || high < 1 || high > height) continue;
    const int w = static_cast<int>(wide);
    const int h = static_cast<int>(high);
    const int top = random.below(height - h + 1);
    return Rectangle{random.below(width - w + 1), top, w, h};
  }
  return std::nullopt;
}

// The largest rectangle in the middle whose form is allowed.
Rectangle middle_rectangle(const Image& image, const RandomResizedCrop& options) {
  const double form = static_cast<double>(image.width) / image.height;
  Rectangle result{0, 0, image.width, image.height};
  if (form < options.min_ratio) {
    result.height = static_cast<int>(std::nearbyint(image.width / options.min_ratio));
  } else if (form > options.max_ratio) {
    result.width = static_cast<int>(std::nearbyint(image.height * options.max_ratio));
  }
  result.left = (image.width - result.width) / 2;
  result.top = (image.height - result.height) / 2;
  return result;
}

Image cut_and_resized(const Image& image,
                      const Preprocessing& preprocessing,
                      const RandomResizedCrop& options,
                      ImageRandom& random) {
  const auto found =
      random_rectangle(image.width, image.height, {options.min_scale, options.max_scale},
                       {options.min_ratio, options.max_ratio}, random);
  const Rectangle part = found ? *found : middle_rectangle(image, options);
  return resize(crop(image, part.left, part.top, part.width, part.height), preprocessing.crop,
                preprocessing.crop, preprocessing.interpolation);
}

Image cut_with_padding(const Image& image,
                       const Preprocessing& preprocessing,
                       int padding,
                       ImageRandom& random) {
  const Image resized = preprocessing.resize > 0 ? resize_shorter_side(image, preprocessing.resize,
                                                                       preprocessing.interpolation)
                                                 : image;
  const int size = preprocessing.crop;
  const int top = random.below(std::max(resized.height + 2 * padding - size, 0) + 1) - padding;
  const int left = random.below(std::max(resized.width + 2 * padding - size, 0) + 1) - padding;
  return crop(resized, left, top, size, size);
}

double random_factor(double range, ImageRandom& random) {
  return random.uniform(std::max(0.0, 1.0 - range), 1.0 + range);
}

Image jittered(Image image, const ColourJitter& jitter, ImageRandom& random) {
  std::array<int, 4> order{0, 1, 2, 3};
  for (int i = 3; i > 0; --i) {
    std::swap(order[static_cast<std::size_t>(i)],
              order[static_cast<std::size_t>(random.below(i + 1))]);
  }
  for (const int step : order) {
    if (step == 0 && jitter.brightness > 0.0) {
      image = with_brightness(image, random_factor(jitter.brightness, random));
    } else if (step == 1 && jitter.contrast > 0.0) {
      image = with_contrast(image, random_factor(jitter.contrast, random));
    } else if (step == 2 && jitter.saturation > 0.0) {
      image = with_saturation(image, random_factor(jitter.saturation, random));
    } else if (step == 3 && jitter.hue > 0.0) {
      image = with_hue(image, random.uniform(-jitter.hue, jitter.hue));
    }
  }
  return image;
}

bool changes_colours(const ColourJitter& jitter) {
  return jitter.brightness > 0.0 || jitter.contrast > 0.0 || jitter.saturation > 0.0 ||
         jitter.hue > 0.0;
}

}  // namespace augmentation_detail

void check(const Augmentation& augmentation) {
  namespace detail = augmentation_detail;
  constexpr double kMostRatio = 1000.0;
  constexpr double kMostFactor = 100.0;
  constexpr int kMostPadding = 4096;
  detail::check_count("padding of a crop", augmentation.crop_padding, 0, kMostPadding);
  if (const auto& part = augmentation.random_resized_crop) {
    detail::check_range("scale of a random crop", part->min_scale, part->max_scale, 1.0);
    detail::check_range("ratio of a random crop", part->min_ratio, part->max_ratio, kMostRatio);
    if (augmentation.crop_padding > 0) {
      fail(ErrorCode::invalid_argument, "a crop is random in size or with padding, not both");
    }
  }
  detail::check_probability("a horizontal flip", augmentation.horizontal_flip);
  if (const auto& random = augmentation.rand_augment) {
    detail::check_count("number of operations of RandAugment", random->operations, 1, 100);
    detail::check_count("magnitude of RandAugment", random->magnitude, 0, RandAugment::kBins - 1);
  }
  const ColourJitter& jitter = augmentation.colour_jitter;
  detail::check_factor("brightness", jitter.brightness, kMostFactor);
  detail::check_factor("contrast", jitter.contrast, kMostFactor);
  detail::check_factor("saturation", jitter.saturation, kMostFactor);
  detail::check_factor("hue", jitter.hue, 0.5);
  if (!(augmentation.mixup >= 0.0 && augmentation.mixup <= detail::kMostAlpha)) {
    fail(ErrorCode::invalid_argument, "the alpha of mixup is {} (expected 0 to {})",
         augmentation.mixup, detail::kMostAlpha);
  }
  const RandomErasing& erasing = augmentation.random_erasing;
  detail::check_probability("random erasing", erasing.probability);
  detail::check_range("scale of random erasing", erasing.min_scale, erasing.max_scale, 1.0);
  detail::check_range("ratio of random erasing", erasing.min_ratio, erasing.max_ratio, kMostRatio);
}

bool is_identity(const Augmentation& augmentation) {
  return augmentation.crop_padding == 0 && !augmentation.random_resized_crop &&
         augmentation.horizontal_flip == 0.0 && !augmentation.rand_augment &&
         !augmentation_detail::changes_colours(augmentation.colour_jitter) &&
         augmentation.random_erasing.probability == 0.0 && augmentation.mixup == 0.0;
}

// SplitMix64 (Steele, Lea and Flood, 2014).
std::uint64_t ImageRandom::next() {
  state_ += 0x9e3779b97f4a7c15U;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31);
}

ImageRandom::ImageRandom(std::uint64_t seed, int epoch, std::int64_t image) : state_(seed) {
  state_ = next() ^ static_cast<std::uint64_t>(epoch);
  state_ = next() ^ static_cast<std::uint64_t>(image);
}

double ImageRandom::uniform(double low, double high) {
  constexpr double kStep = 1.0 / (std::uint64_t{1} << 53);
  return low + (high - low) * (static_cast<double>(next() >> 11) * kStep);
}

int ImageRandom::below(int count) {
  return static_cast<int>((next() >> 32) * static_cast<std::uint64_t>(count) >> 32);
}

// Jöhnk's method (1964).
double ImageRandom::beta(double alpha) {
  while (true) {
    const double x = std::pow(uniform(0.0, 1.0), 1.0 / alpha);
    const double y = std::pow(uniform(0.0, 1.0), 1.0 / alpha);
    if (x + y > 0.0 && x + y <= 1.0) return x / (x + y);
  }
}

Image augment_pixels(const Image& image,
                     const Preprocessing& preprocessing,
                     const Augmentation& augmentation,
                     ImageRandom& random) {
  namespace detail = augmentation_detail;
  Image result;
  if (augmentation.random_resized_crop) {
    result =
        detail::cut_and_resized(image, preprocessing, *augmentation.random_resized_crop, random);
  } else if (augmentation.crop_padding > 0) {
    result = detail::cut_with_padding(image, preprocessing, augmentation.crop_padding, random);
  } else {
    result = preprocess_pixels(image, preprocessing);
  }
  if (augmentation.horizontal_flip > 0.0 && random.with_probability(augmentation.horizontal_flip)) {
    result = flipped(result);
  }
  if (augmentation.rand_augment) {
    result = rand_augmented(std::move(result), *augmentation.rand_augment, random);
  }
  if (!detail::changes_colours(augmentation.colour_jitter)) return result;
  return detail::jittered(std::move(result), augmentation.colour_jitter, random);
}

void erase_randomly(float* planes,
                    int channels,
                    int height,
                    int width,
                    const RandomErasing& erasing,
                    ImageRandom& random) {
  if (erasing.probability == 0.0 || !random.with_probability(erasing.probability)) return;
  const auto part =
      augmentation_detail::random_rectangle(width, height, {erasing.min_scale, erasing.max_scale},
                                            {erasing.min_ratio, erasing.max_ratio}, random);
  if (!part) return;
  for (int channel = 0; channel < channels; ++channel) {
    for (int y = part->top; y < part->top + part->height; ++y) {
      const std::ptrdiff_t row = std::ptrdiff_t{channel} * height + y;
      std::fill_n(planes + row * width + part->left, part->width, 0.0F);
    }
  }
}

Image flipped(const Image& image) { return oriented(image, 2); }

}  // namespace torchkeep
