// Samples of a data set as a model gets them.
#pragma once

#include <cstdint>
#include <vector>

#include <torchkeep/batch_source.h>

namespace torchkeep {

// The value that a model sees for each value of a byte, in each channel.
class NormalisationTable {
 public:
  // Throws invalid_argument unless the normalisation has one number or one for each channel.
  NormalisationTable(const Normalisation& normalisation, int channels);

  // From neighbouring channels of a pixel to a plane for each channel.
  void write(const Image& image, float* out) const;
  // From a plane for each channel to the same.
  void write_planes(const std::uint8_t* planes, std::size_t plane_size, float* out) const;

 private:
  std::vector<std::vector<float>> values_;  // [channel][byte]
};

// Writes any sample of a data set, preprocessed. Safe to use from several threads at once.
class SampleWriter {
 public:
  // Takes seed, preprocessing and augmentation. Throws invalid_argument for what does not fit the
  // images; reads the first image where the size of all is not known without.
  SampleWriter(Dataset dataset, const BatchOptions& options);

  // Of one sample: [channels, height, width], or of what is taken as it is.
  const std::vector<std::int64_t>& shape() const { return shape_; }
  std::int64_t elements() const { return elements_; }

  // Writes `elements()` numbers: the same for the same image and epoch. Throws as read_image, and
  // mismatch for an image of another size.
  void write(std::int64_t index, int epoch, float* out) const;

  const Dataset& dataset() const { return dataset_; }

 private:
  bool is_in_memory() const { return dataset_.images.defined(); }
  bool keeps_planes() const;
  Image stored_image(std::int64_t index) const;
  void check_size(const Image& image, std::int64_t index) const;
  DecodeOptions decode_options() const;
  std::vector<std::int64_t> find_shape() const;

  Dataset dataset_;
  std::uint64_t seed_;
  Preprocessing preprocessing_;
  Augmentation augmentation_;
  bool is_augmented_;
  std::vector<std::int64_t> shape_;
  std::int64_t elements_ = 0;
  std::vector<NormalisationTable> table_;  // one; none for samples that are taken as they are
};

}  // namespace torchkeep
