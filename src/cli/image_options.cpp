#include "cli/image_options.h"

#include <cmath>
#include <utility>
#include <vector>

#include <torchkeep/image_model.h>

#include "base/fail.h"
#include "cli/number_checks.h"
#include "cli/output.h"

namespace torchkeep::cli {
namespace image_options_detail {

constexpr int kMaxSize = 32768;
// torchvision's presets resize to 256 and cut 224 out of it.
constexpr double kResizeOfCrop = 256.0 / 224.0;

std::optional<std::int64_t> channels_of(const Model& model) {
  const Value configuration = model.configuration();
  const Value* channels = configuration.find("in_channels");
  if (channels == nullptr) return std::nullopt;
  return channels->as_int();
}

// Grey images in memory, such as those of Fashion-MNIST, are taken in their size.
Preprocessing for_grey_images(const Model& model) {
  Preprocessing preprocessing;
  if (const auto channels = channels_of(model)) {
    preprocessing.channels = static_cast<int>(*channels);
  }
  return preprocessing;
}

Preprocessing for_unknown_model(const ImageOptions& options, const Model& model) {
  if (options.image_size == 0) {
    fail_at(ErrorCode::invalid_argument, {}, "say it with --image-size",
            "nothing says how large the images for a {} are", model.architecture());
  }
  return {.normalisation = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}},
          .channels = static_cast<int>(channels_of(model).value_or(3))};
}

Preprocessing starting_point(const ImageOptions& options,
                             const Model& model,
                             const Dataset& dataset,
                             const std::optional<Preprocessing>& fallback) {
  if (const auto kept = preprocessing(model)) return *kept;
  if (fallback) return *fallback;
  if (dataset.images.defined() && dataset.images.size(1) == 1) return for_grey_images(model);
  if (const auto usual = usual_preprocessing(model)) return *usual;
  return for_unknown_model(options, model);
}

}  // namespace image_options_detail

void add_image_options(CLI::App& command, ImageOptions& options) {
  command
      .add_option("--image-size", options.image_size,
                  "Side in pixels of the square that the model gets; as usual for it if left out")
      ->check(CLI::Range(1, image_options_detail::kMaxSize));
  command
      .add_option("--resize", options.resize,
                  "Length of the shorter side before the square is cut out")
      ->check(CLI::Range(1, image_options_detail::kMaxSize));
  command.add_option("--interpolation", options.interpolation, "How images are resized")
      ->check(CLI::IsMember({"bilinear", "bicubic"}));
  command
      .add_option("--orientation", options.orientation,
                  "Whether images are turned as Exif says; torchvision leaves them as stored")
      ->check(CLI::IsMember({"as_stored", "from_exif"}));
  command
      .add_option("--jpeg-scale", options.jpeg_scale,
                  "Whether large JPEGs are decoded at a reduced size: faster, other pixels")
      ->check(CLI::IsMember({"full", "reduced"}));
  command
      .add_option("--workers", options.workers,
                  "Threads that decode images; as many as processors if left out")
      ->check(CLI::Range(1, 1024));
  command
      .add_option("--broken-images", options.broken_images,
                  "What to do about images that cannot be decoded; skip decodes all of them first")
      ->check(CLI::IsMember({"fail", "skip"}))
      ->capture_default_str();
}

Preprocessing choose_preprocessing(const ImageOptions& options,
                                   const Model& model,
                                   const Dataset& dataset,
                                   std::optional<Preprocessing> fallback) {
  namespace detail = image_options_detail;
  Preprocessing chosen = detail::starting_point(options, model, dataset, fallback);
  if (options.image_size > 0) {
    chosen.crop = static_cast<int>(options.image_size);
    chosen.resize = static_cast<int>(
        std::lround(static_cast<double>(options.image_size) * detail::kResizeOfCrop));
  }
  if (options.resize > 0) chosen.resize = static_cast<int>(options.resize);
  if (!options.interpolation.empty()) {
    chosen.interpolation =
        options.interpolation == "bicubic" ? Interpolation::bicubic : Interpolation::bilinear;
  }
  if (!options.orientation.empty()) {
    chosen.orientation =
        options.orientation == "from_exif" ? Orientation::from_exif : Orientation::as_stored;
  }
  if (!options.jpeg_scale.empty()) {
    chosen.jpeg_scale = options.jpeg_scale == "reduced" ? JpegScale::reduced : JpegScale::full;
  }
  return chosen;
}

Dataset without_broken(const Dataset& dataset, const ImageOptions& options) {
  if (options.broken_images != "skip") return dataset;
  std::vector<Error> broken;
  Dataset whole = without_broken_images(dataset, broken, static_cast<int>(options.workers));
  for (const Error& error : broken) write_error(fmt::format("skipped {}", error.what()));
  return whole;
}

}  // namespace torchkeep::cli
