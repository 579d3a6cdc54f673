#include <algorithm>
#include <cstring>
#include <optional>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <torchkeep/batch_source.h>
#include <torchkeep/convert.h>
#include <torchkeep/feature_cache.h>
#include <torchkeep/load.h>
#include <torchkeep/save.h>

#include <ATen/Functions.h>
#include <torch/nn/module.h>

#include "base/fail.h"
#include "base/parallel.h"
#include "io/checksum.h"
#include "nn/libtorch_version.h"
#include "train/frozen_digest.h"
#include "vision/selection.h"

namespace torchkeep {
namespace feature_cache_detail {

namespace fs = std::filesystem;

constexpr const char* kVersionKey = "torchkeep.features";
constexpr const char* kVersion = "1";
constexpr std::int64_t kDigestBytes = 32;

// What decides the features besides the images, as the file has it in `__metadata__`.
using Context = std::vector<std::pair<std::string, std::string>>;

Context context_of(const Model& model,
                   const FrozenBackbone::Cut& cut,
                   const FeatureCacheOptions& options) {
  const std::string augmentation =
      options.augmentation.empty() && options.views == 1
          ? "none"
          : fmt::format("{}, seed {}, {} views", options.augmentation, options.seed, options.views);
  return {{kVersionKey, kVersion},
          {"backbone", FrozenDigest(model.module()).sha256()},
          {"architecture", model.architecture()},
          {"operations", to_string(cut)},
          {"preprocessing", to_string(options.preprocessing)},
          {"augmentation", augmentation},
          {"libtorch", kLibTorchVersion}};
}

// The digests of the images, 32 bytes each.
at::Tensor digests_of(const Dataset& dataset) {
  at::Tensor digests = at::empty({dataset.size(), kDigestBytes}, at::kByte);
  auto* const bytes = digests.data_ptr<std::uint8_t>();
  const auto count = static_cast<std::size_t>(dataset.size());
  parallel_for(count, effective_threads(0), [&](std::size_t i) {
    const std::string hex = image_digest(dataset, static_cast<std::int64_t>(i));
    for (std::size_t k = 0; k < kDigestBytes; ++k) {
      bytes[i * kDigestBytes + k] =
          static_cast<std::uint8_t>(std::stoi(hex.substr(2 * k, 2), nullptr, 16));
    }
  });
  return digests;
}

// What an earlier call has left.
struct Stored {
  at::Tensor features;
  at::Tensor digests;
  Shape image;
};

std::string text_at(const Value& metadata, const std::string& key) {
  const Value* found = metadata.find(key);
  return found != nullptr && found->is_string() ? found->as_string() : "";
}

bool is_same(const Value& metadata, const Context& context) {
  return std::ranges::all_of(
      context, [&](const auto& entry) { return text_at(metadata, entry.first) == entry.second; });
}

Stored stored_in(const Value& value, const fs::path& file) {
  Stored stored{to_torch(value["features"].as_tensor()), to_torch(value["images"].as_tensor()), {}};
  const at::Tensor shape = to_torch(value["image_shape"].as_tensor());
  const bool is_right = stored.features.dim() > 0 && stored.features.scalar_type() == at::kFloat &&
                        stored.digests.dim() == 2 && stored.digests.size(1) == kDigestBytes &&
                        stored.digests.scalar_type() == at::kByte && shape.dim() == 1 &&
                        shape.scalar_type() == at::kLong && stored.digests.size(0) > 0 &&
                        stored.features.size(0) % stored.digests.size(0) == 0;
  if (!is_right) {
    fail_at(ErrorCode::corrupt, {.path = file.string()}, "remove it",
            "its features, digests and shape do not belong together");
  }
  const auto* sizes = shape.data_ptr<std::int64_t>();
  stored.image.assign(sizes, sizes + shape.numel());
  return stored;
}

// Nothing where there is no file yet or one of another context.
std::optional<Stored> find_stored(const fs::path& file, const Context& context) {
  std::error_code error;
  if (!fs::exists(file, error)) return std::nullopt;
  const Value value = load(file, {.access = Access::map});
  const Value* metadata =
      value.is_dict() ? value.as_dict().attributes().find("__metadata__") : nullptr;
  if (metadata == nullptr || text_at(*metadata, kVersionKey).empty()) {
    fail_at(ErrorCode::invalid_argument, {.path = file.string()}, "name another file",
            "it is there already and holds no cached features");
  }
  if (!is_same(*metadata, context)) return std::nullopt;
  return stored_in(value, file);
}

// The rows of the features that are to be computed: all views of all images, or the images at
// these positions.
class Computation {
 public:
  Computation(const Model& model, FrozenBackbone& backbone, const FeatureCacheOptions& options)
      : model_(model), backbone_(backbone), options_(options) {}

  // [views * images, ...]
  at::Tensor features_of(const Dataset& dataset, Shape& image) {
    model_.train();
    BatchSource batches(dataset, {.batch_size = options_.batch_size,
                                  .seed = options_.seed,
                                  .preprocessing = options_.preprocessing,
                                  .augmentation = parse_augmentation(options_.augmentation),
                                  .workers = options_.workers});
    at::Tensor all;
    std::int64_t row = 0;
    Batch batch;
    for (int view = 0; view < options_.views; ++view) {
      batches.start_epoch(view);
      while (batches.next(batch)) {
        const at::Tensor features = one_of(backbone_.features(batch.images));
        if (!all.defined()) all = room_for(dataset.size() * options_.views, features);
        all.narrow(0, row, features.size(0)).copy_(features);
        row += features.size(0);
        image.assign(batch.images.sizes().begin() + 1, batch.images.sizes().end());
      }
    }
    return all;
  }

 private:
  static at::Tensor one_of(const std::vector<at::Tensor>& features) {
    if (features.size() == 1) return features.front();
    fail_at(ErrorCode::unsupported, {}, "freeze whole stages, such as with freeze_to()",
            "what is not frozen needs {} tensors of the frozen layers (expected one)",
            features.size());
  }

  static at::Tensor room_for(std::int64_t rows, const at::Tensor& features) {
    std::vector<std::int64_t> shape = features.sizes().vec();
    shape.front() = rows;
    return at::empty(shape, at::kFloat);
  }

  const Model& model_;
  FrozenBackbone& backbone_;
  const FeatureCacheOptions& options_;
};

// The row of each image in the stored features; -1 for those that are new.
std::vector<std::int64_t> rows_in(const at::Tensor& stored, const at::Tensor& digests) {
  const auto text = [](const at::Tensor& all, std::int64_t row) {
    const auto* bytes = reinterpret_cast<const char*>(all.data_ptr<std::uint8_t>());
    return std::string(bytes + row * kDigestBytes, static_cast<std::size_t>(kDigestBytes));
  };
  std::unordered_map<std::string, std::int64_t> known;
  for (std::int64_t row = 0; row < stored.size(0); ++row) known.emplace(text(stored, row), row);
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < digests.size(0); ++i) {
    const auto found = known.find(text(digests, i));
    rows.push_back(found == known.end() ? -1 : found->second);
  }
  return rows;
}

struct Result {
  at::Tensor features;
  Shape image;
  std::int64_t computed = 0;
};

// The features of images of which the file may have some.
Result complete(const std::optional<Stored>& stored,
                const Dataset& dataset,
                const at::Tensor& digests,
                Computation& computation) {
  Result result;
  std::vector<std::int64_t> rows(static_cast<std::size_t>(dataset.size()), -1);
  if (stored) {
    rows = rows_in(stored->digests, digests);
    result.image = stored->image;
  }
  std::vector<std::int64_t> missing;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] < 0) missing.push_back(static_cast<std::int64_t>(i));
  }
  result.computed = static_cast<std::int64_t>(missing.size());
  if (missing.size() == rows.size()) {
    result.features = computation.features_of(dataset, result.image);
    return result;
  }
  const at::Tensor index = at::tensor(rows, at::kLong);
  result.features = stored->features.index_select(0, index.clamp_min(0));
  if (missing.empty()) return result;
  const at::Tensor fresh = computation.features_of(at_positions(dataset, missing), result.image);
  result.features.index_copy_(0, at::tensor(missing, at::kLong), fresh);
  return result;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : "\n") + name;
  return text;
}

void write(const fs::path& file,
           const Result& result,
           const Dataset& dataset,
           const at::Tensor& digests,
           Context context) {
  context.emplace_back("classes", joined(dataset.class_names));
  save(dict({{"features", result.features},
             {"labels", dataset.labels},
             {"images", digests},
             {"image_shape", at::tensor(result.image, at::kLong)}}),
       file, {.format = "safetensors", .metadata = std::move(context)});
}

Dataset dataset_of(const at::Tensor& features, const Dataset& dataset, int views) {
  return {.images = features,
          .labels = dataset.labels.repeat({views}),
          .class_names = dataset.class_names};
}

}  // namespace feature_cache_detail

CachedFeatures cache_features(const Model& model,
                              const Dataset& dataset,
                              const std::filesystem::path& file,
                              const FeatureCacheOptions& options) {
  namespace detail = feature_cache_detail;
  if (options.views < 1) {
    fail(ErrorCode::invalid_argument, "{} views of each image are asked for (expected at least 1)",
         options.views);
  }
  FrozenBackbone backbone(model, options.backbone);
  model.train();
  BatchSource probe(dataset, {.batch_size = 1, .preprocessing = options.preprocessing});
  Batch first;
  probe.next(first);
  const detail::Context context =
      detail::context_of(model, backbone.cut(first.images.sizes().vec()), options);
  const at::Tensor digests = detail::digests_of(dataset);
  const auto stored = detail::find_stored(file, context);
  if (stored && stored->digests.equal(digests)) {
    return {detail::dataset_of(stored->features, dataset, options.views), stored->image, 0};
  }
  // Random changes depend on an image's place in the data set.
  const bool is_random =
      !is_identity(parse_augmentation(options.augmentation)) || options.views > 1;
  detail::Computation computation(model, backbone, options);
  detail::Result result =
      detail::complete(is_random ? std::nullopt : stored, dataset, digests, computation);
  detail::write(file, result, dataset, digests, context);
  const auto written = detail::find_stored(file, context);
  return {detail::dataset_of(written.value().features, dataset, options.views), result.image,
          result.computed * options.views};
}

Model model_of_features(const Model& model,
                        const Shape& image,
                        const FrozenBackboneOptions& options) {
  const auto backbone = std::make_shared<FrozenBackbone>(model, options);
  return Model(model.architecture(), model.added_configuration(), model.ptr(),
               [backbone, image](const at::Tensor& features) {
                 Shape images = {features.size(0)};
                 images.insert(images.end(), image.begin(), image.end());
                 // A model may work in place, and the features are those of a data set.
                 return backbone->forward_features({features.clone()}, images);
               });
}

}  // namespace torchkeep
