// What is done to an image before a model sees it.
#pragma once

#include <string>
#include <vector>

#include <torchkeep/value.h>

namespace torchkeep {

// As PIL resizes, antialiased.
enum class Interpolation { bilinear, bicubic };

// (value - mean) / std of values from 0 to 1; one number for each channel, or one for all.
struct Normalisation {
  std::vector<double> mean = {0.5};
  std::vector<double> std = {0.5};
  bool operator==(const Normalisation&) const = default;
};

// Whether an image is turned as its Exif data say it was held. `as_stored` is what PIL's convert()
// gives and what torchvision's models and data sets have seen.
enum class Orientation { as_stored, from_exif };

// `reduced` lets a JPEG be decoded at 1/2, 1/4 or 1/8 of its size where that is still no smaller
// than what it is resized to: faster, with slightly other pixels.
enum class JpegScale { full, reduced };

// torchvision's ImageClassification preset and what else belongs to it. The steps follow the order
// of the fields; a size of 0 leaves a step out.
struct Preprocessing {
  int resize = 0;  // pixels of the shorter side
  int crop = 0;    // pixels of the square that is cut out of the middle
  Interpolation interpolation = Interpolation::bilinear;
  Normalisation normalisation = {};
  int channels = 0;  // 1: grey, 3: red, green, blue, 0: as the images are (files: 3)
  Orientation orientation = Orientation::as_stored;
  JpegScale jpeg_scale = JpegScale::full;
  bool operator==(const Preprocessing&) const = default;
};

// "resize 256, crop 224, bilinear, mean 0.485 0.456 0.406, std 0.229 0.224 0.225".
std::string to_string(const Preprocessing& preprocessing);

// A dict, as checkpoints keep it under `configuration.preprocessing`, and its inverse, which throws
// not_found naming the key that is missing, mismatch, and invalid_argument for what is out of
// range.
Value to_value(const Preprocessing& preprocessing);
Preprocessing preprocessing_from_value(const Value& value);

// Throws invalid_argument for a negative size, a std that is not above 0, and so on.
void check(const Preprocessing& preprocessing);

}  // namespace torchkeep
