#include "cli/cached_training.h"

#include <filesystem>
#include <system_error>

#include <torchkeep/feature_cache.h>

#include "base/fail.h"

namespace torchkeep::cli {
namespace cached_training_detail {

namespace fs = std::filesystem;

void make_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    fail_at(ErrorCode::io, {.path = directory.string()}, "", "cannot be made ({})",
            error.message());
  }
}

FeatureCacheOptions options_for(const BatchSource& batches, const FrozenBackboneOptions& backbone) {
  return {.backbone = backbone,
          .preprocessing = batches.options().preprocessing,
          .seed = batches.options().seed,
          .batch_size = batches.options().batch_size,
          .workers = batches.options().workers};
}

BatchSource source_of(const Dataset& features, const BatchSource& images) {
  return BatchSource(features, {.batch_size = images.options().batch_size,
                                .order = images.options().order,
                                .seed = images.options().seed});
}

}  // namespace cached_training_detail

void train_on_features(TrainingParts& parts, const RunSettings& settings) {
  namespace detail = cached_training_detail;
  const FrozenBackboneOptions backbone =
      parts.options.frozen_backbone.value_or(FrozenBackboneOptions{});
  const std::filesystem::path directory = settings.transfer.cache_features;
  detail::make_directory(directory);
  FeatureCacheOptions options = detail::options_for(parts.training, backbone);
  options.augmentation = settings.augment;
  options.views = static_cast<int>(settings.transfer.feature_views);
  const CachedFeatures training = cache_features(parts.model, parts.training.dataset(),
                                                 directory / "training.safetensors", options);
  if (parts.validation) {
    const CachedFeatures validation = cache_features(
        parts.model, parts.validation->dataset(), directory / "validation.safetensors",
        detail::options_for(*parts.validation, backbone));
    parts.validation = detail::source_of(validation.features, *parts.validation);
  }
  parts.training = detail::source_of(training.features, parts.training);
  parts.model = model_of_features(parts.model, training.image, backbone);
  parts.options.frozen_backbone.reset();
}

}  // namespace torchkeep::cli
