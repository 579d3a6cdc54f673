// Random changes to the images of a training, with torchvision's names and ranges. Each is decided
// by the run's seed, the epoch and the image's place in the data set alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <torchkeep/image.h>

namespace torchkeep {

// A part of the image of random size and form, resized to the crop of the preprocessing.
struct RandomResizedCrop {
  double min_scale = 0.08;  // of the image's area
  double max_scale = 1.0;
  double min_ratio = 3.0 / 4.0;  // of width to height
  double max_ratio = 4.0 / 3.0;
};

// Factors from 1 - x to 1 + x, not below 0; the hue is turned by -hue to hue of the circle. The
// four are applied in a random order.
struct ColourJitter {
  double brightness = 0.0;
  double contrast = 0.0;
  double saturation = 0.0;
  double hue = 0.0;  // at most 0.5
};

// RandAugment: so many of torchvision's operations, drawn anew for each image.
enum class Operation {
  identity,
  shear_x,
  shear_y,
  translate_x,
  translate_y,
  rotate,
  brightness,
  colour,
  contrast,
  sharpness,
  posterise,
  solarise,
  autocontrast,
  equalise
};
struct RandAugment {
  static constexpr int kBins = 31;
  int operations = 2;
  int magnitude = 9;  // 0 to kBins - 1
};

// A rectangle of the normalised image becomes 0.
struct RandomErasing {
  double probability = 0.0;
  double min_scale = 0.02;
  double max_scale = 0.33;
  double min_ratio = 0.3;
  double max_ratio = 3.3;
};

// In this order. The default changes nothing.
struct Augmentation {
  // One of these replaces the resize and the crop of the preprocessing: an image of the crop's size
  // cut out of the resized one, with so many black pixels around it; or RandomResizedCrop.
  int crop_padding = 0;
  std::optional<RandomResizedCrop> random_resized_crop = std::nullopt;
  double horizontal_flip = 0.0;  // probability
  std::optional<RandAugment> rand_augment = std::nullopt;
  ColourJitter colour_jitter = {};
  RandomErasing random_erasing = {};
  // Each image of a batch and its label are mixed with those before it: x a + y (1 - a), where a is
  // drawn once for the batch from the Beta distribution with these two parameters. Labels become
  // float32 [batch, classes].
  double mixup = 0.0;
};

// From a list such as "flip,crop=0.3,jitter": crop (RandomResizedCrop; smallest scale), pad
// (pixels), flip (probability), randaugment (magnitude), jitter (brightness, contrast and
// saturation, a quarter of it for the hue), brightness, contrast, saturation, hue, erasing
// (probability), mixup (of the Beta distribution); numbers may be left out. Throws
// invalid_argument.
Augmentation parse_augmentation(const std::string& text);

// Throws invalid_argument for a probability, a range or a factor that cannot be.
void check(const Augmentation& augmentation);

// Whether it leaves images as the preprocessing makes them.
bool is_identity(const Augmentation& augmentation);

// Random numbers of one image in one epoch: SplitMix64 from a mixture of the three.
class ImageRandom {
 public:
  ImageRandom(std::uint64_t seed, int epoch, std::int64_t image);
  std::uint64_t next();
  double uniform(double low, double high);  // low <= x < high
  int below(int count);                     // 0 to count - 1
  double beta(double alpha);                // of the Beta distribution with alpha twice; 0 to 2
  bool with_probability(double probability) { return uniform(0.0, 1.0) < probability; }

 private:
  std::uint64_t state_;
};

// Resize, crop, flip and colours of an image whose channels are those of the preprocessing.
Image augment_pixels(const Image& image,
                     const Preprocessing& preprocessing,
                     const Augmentation& augmentation,
                     ImageRandom& random);

// Erases in `channels` planes of normalised numbers.
void erase_randomly(float* planes,
                    int channels,
                    int height,
                    int width,
                    const RandomErasing& erasing,
                    ImageRandom& random);

// The changes themselves, as torchvision makes them of PIL's images, to the bit.
Image flipped(const Image& image);
Image with_brightness(const Image& image, double factor);
Image with_contrast(const Image& image, double factor);
Image with_saturation(const Image& image, double factor);
Image with_sharpness(const Image& image, double factor);
// The magnitude is that of torchvision's _apply_op: pixels, degrees, bits, a factor less 1.
Image apply(const Image& image, Operation operation, double magnitude);
Image rand_augmented(Image image, const RandAugment& options, ImageRandom& random);
Image with_hue(const Image& image, double shift);  // -0.5 to 0.5

}  // namespace torchkeep
