// What a frozen backbone makes of images, computed once and kept in a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <torchkeep/dataset.h>
#include <torchkeep/frozen_backbone.h>
#include <torchkeep/model.h>
#include <torchkeep/preprocessing.h>

namespace torchkeep {

struct FeatureCacheOptions {
  FrozenBackboneOptions backbone = {};
  Preprocessing preprocessing = {};
  std::string augmentation = "";  // as parse_augmentation() reads it
  int views = 1;                  // of each image, each augmented in its own way
  std::uint64_t seed = 0;         // of the augmentation
  std::int64_t batch_size = 64;   // images computed at once
  int workers = 0;                // as in BatchOptions
};

struct CachedFeatures {
  // A row for each image, or for each of its views, view after view: float32, mapped from the file.
  Dataset features;
  Shape image;                // the shape of an image as the model sees it
  std::int64_t computed = 0;  // rows that were not in the file
};

// The features of the model's frozen front, from `file` as far as they are in it. The file
// (docs/format/features.md) is kept up: it is written anew where images are new, and from nothing
// where the frozen parameters, the preprocessing, the augmentation, the kernels or LibTorch are
// others than before. Throws unsupported for a model that cannot be cut, or at a place where the
// rest needs more than one tensor; invalid_argument for fewer than one view, and for a file that
// holds something else; as BatchSource, save() and load().
CachedFeatures cache_features(const Model& model,
                              const Dataset& dataset,
                              const std::filesystem::path& file,
                              const FeatureCacheOptions& options = {});

// The same module, whose forward takes features of images of that shape instead of images: it
// trains as the model itself would, to the bit where images are not augmented at random. Give a
// Trainer of it no `frozen_backbone`.
Model model_of_features(const Model& model,
                        const Shape& image,
                        const FrozenBackboneOptions& options = {});

}  // namespace torchkeep
