#include "vision/sample_writer.h"

#include <algorithm>

#include <torchkeep/tensor.h>

#include <ATen/Functions.h>

#include "base/fail.h"

namespace torchkeep {

namespace sample_writer_detail {

constexpr int kByteValues = 256;

double number_of_channel(const std::vector<double>& numbers, std::size_t channel) {
  return numbers.size() == 1 ? numbers.front() : numbers[channel];
}

// Images in memory have a plane for each channel.
Image image_from_planes(const std::uint8_t* planes, int channels, int height, int width) {
  Image image = make_image(width, height, channels);
  const std::size_t plane_size = image.pixels.size() / static_cast<std::size_t>(channels);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    const std::size_t channel = i % static_cast<std::size_t>(channels);
    image.pixels[i] = planes[channel * plane_size + i / static_cast<std::size_t>(channels)];
  }
  return image;
}

void check_dataset(const Dataset& dataset) {
  const bool in_memory = dataset.images.defined();
  if (!dataset.labels.defined() || dataset.size() == 0) {
    fail(ErrorCode::invalid_argument, "the data set is empty");
  }
  const auto count =
      in_memory ? dataset.images.size(0) : static_cast<std::int64_t>(dataset.files.size());
  if (count != dataset.size()) {
    fail(ErrorCode::invalid_argument, "the data set has {} images and {} labels", count,
         dataset.size());
  }
  if (!in_memory || dataset.images.scalar_type() == at::kFloat) return;
  if (dataset.images.scalar_type() != at::kByte || dataset.images.dim() != 4) {
    fail(ErrorCode::invalid_argument,
         "the images of a data set are uint8 [n, channels, height, width] or float32 (got {} with "
         "{} dimensions)",
         c10::toString(dataset.images.scalar_type()), dataset.images.dim());
  }
}

}  // namespace sample_writer_detail

NormalisationTable::NormalisationTable(const Normalisation& normalisation, int channels) {
  namespace detail = sample_writer_detail;
  const auto count = static_cast<std::size_t>(channels);
  if (normalisation.mean.size() != 1 && normalisation.mean.size() != count) {
    fail(ErrorCode::invalid_argument, "the normalisation is for {} channels (expected {})",
         normalisation.mean.size(), channels);
  }
  // In the order and the precision of torchvision: ToTensor, then Normalize.
  for (std::size_t channel = 0; channel < count; ++channel) {
    const auto mean = static_cast<float>(detail::number_of_channel(normalisation.mean, channel));
    const auto std = static_cast<float>(detail::number_of_channel(normalisation.std, channel));
    std::vector<float>& values = values_.emplace_back();
    for (int byte = 0; byte < detail::kByteValues; ++byte) {
      values.push_back((static_cast<float>(byte) / 255.0F - mean) / std);
    }
  }
}

void NormalisationTable::write(const Image& image, float* out) const {
  const std::size_t channels = values_.size();
  const std::size_t plane_size = image.pixels.size() / channels;
  for (std::size_t channel = 0; channel < channels; ++channel) {
    const float* values = values_[channel].data();
    const std::uint8_t* pixel = image.pixels.data() + channel;
    for (std::size_t i = 0; i < plane_size; ++i, pixel += channels) *out++ = values[*pixel];
  }
}

void NormalisationTable::write_planes(const std::uint8_t* planes,
                                      std::size_t plane_size,
                                      float* out) const {
  for (const std::vector<float>& values : values_) {
    for (std::size_t i = 0; i < plane_size; ++i) *out++ = values[*planes++];
  }
}

SampleWriter::SampleWriter(Dataset dataset, const BatchOptions& options)
    : dataset_(std::move(dataset)),
      seed_(options.seed),
      preprocessing_(options.preprocessing),
      augmentation_(options.augmentation),
      is_augmented_(!is_identity(options.augmentation)) {
  sample_writer_detail::check_dataset(dataset_);
  check(preprocessing_);
  check(augmentation_);
  const bool cuts = augmentation_.random_resized_crop || augmentation_.crop_padding > 0;
  if (cuts && preprocessing_.crop == 0) {
    fail(ErrorCode::invalid_argument, "random crops need the size of a crop");
  }
  if (is_in_memory()) dataset_.images = dataset_.images.contiguous();
  shape_ = find_shape();
  elements_ = count_elements(shape_);
  if (!is_in_memory() || dataset_.images.scalar_type() == at::kByte) {
    table_.emplace_back(preprocessing_.normalisation, static_cast<int>(shape_.front()));
  }
}

bool SampleWriter::keeps_planes() const {
  return is_in_memory() && !is_augmented_ && preprocessing_.resize == 0 &&
         preprocessing_.crop == 0 && dataset_.images.size(1) == shape_.front();
}

DecodeOptions SampleWriter::decode_options() const {
  DecodeOptions options{.orientation = preprocessing_.orientation};
  if (preprocessing_.channels != 0) options.channels = preprocessing_.channels;
  // A small part of the image may become all of it.
  const bool reduces =
      preprocessing_.jpeg_scale == JpegScale::reduced && !augmentation_.random_resized_crop;
  if (reduces) options.reduce_to = preprocessing_.resize;
  return options;
}

std::vector<std::int64_t> SampleWriter::find_shape() const {
  if (is_in_memory()) {
    const auto shape = dataset_.images.sizes().slice(1).vec();
    const bool is_changed =
        preprocessing_.resize != 0 || preprocessing_.crop != 0 || preprocessing_.channels != 0;
    if (dataset_.images.scalar_type() == at::kFloat || !is_changed) return shape;
  }
  if (preprocessing_.crop > 0 && !is_in_memory()) {
    return {decode_options().channels, preprocessing_.crop, preprocessing_.crop};
  }
  const Image first = preprocess_pixels(stored_image(0), preprocessing_);
  return {first.channels, first.height, first.width};
}

// With the channels of the preprocessing.
Image SampleWriter::stored_image(std::int64_t index) const {
  if (!is_in_memory()) {
    return read_image(dataset_.files[static_cast<std::size_t>(index)], decode_options());
  }
  const auto size = [this](int dimension) {
    return static_cast<int>(dataset_.images.size(dimension));
  };
  const auto* planes = dataset_.images.data_ptr<std::uint8_t>() + index * dataset_.images.stride(0);
  const Image image = sample_writer_detail::image_from_planes(planes, size(1), size(2), size(3));
  return preprocessing_.channels == 0 ? image : with_channels(image, preprocessing_.channels);
}

void SampleWriter::check_size(const Image& image, std::int64_t index) const {
  if (image.height == shape_[1] && image.width == shape_[2]) return;
  fail_at(ErrorCode::mismatch, {.path = dataset_.files[static_cast<std::size_t>(index)].string()},
          "choose a size with resize and crop", "the image is of {}x{} pixels (expected {}x{})",
          image.width, image.height, shape_[2], shape_[1]);
}

void SampleWriter::write(std::int64_t index, int epoch, float* out) const {
  if (table_.empty()) {
    std::copy_n(dataset_.images.data_ptr<float>() + index * elements_, elements_, out);
    return;
  }
  const NormalisationTable& table = table_.front();
  if (keeps_planes()) {
    table.write_planes(dataset_.images.data_ptr<std::uint8_t>() + index * elements_,
                       static_cast<std::size_t>(elements_ / shape_.front()), out);
    return;
  }
  ImageRandom random(seed_, epoch, index);
  const Image stored = stored_image(index);
  const Image image = is_augmented_ ? augment_pixels(stored, preprocessing_, augmentation_, random)
                                    : preprocess_pixels(stored, preprocessing_);
  check_size(image, index);
  table.write(image, out);
  erase_randomly(out, image.channels, image.height, image.width, augmentation_.random_erasing,
                 random);
}

at::Tensor preprocess(const Image& image, const Preprocessing& preprocessing) {
  check(preprocessing);
  const Image pixels = preprocess_pixels(image, preprocessing);
  const NormalisationTable table(preprocessing.normalisation, pixels.channels);
  at::Tensor result = at::empty({pixels.channels, pixels.height, pixels.width}, at::kFloat);
  table.write(pixels, result.data_ptr<float>());
  return result;
}

}  // namespace torchkeep
