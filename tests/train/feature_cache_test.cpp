#include <filesystem>
#include <vector>

#include <torchkeep/batch_source.h>
#include <torchkeep/convert.h>
#include <torchkeep/feature_cache.h>
#include <torchkeep/freeze.h>
#include <torchkeep/load.h>
#include <torchkeep/models.h>
#include <torchkeep/save.h>
#include <torchkeep/trainer.h>

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/optim/adam.h>
#include <torch/utils.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace feature_cache_test {

using ::testing::HasSubstr;

Dataset random_images(std::int64_t count) {
  torch::manual_seed(2);
  return {.images = at::randint(0, 256, {count, 3, 64, 64}, at::kByte),
          .labels = at::arange(count, at::kLong).remainder(2),
          .class_names = {"even", "odd"}};
}

Model frozen_model() {
  torch::manual_seed(4);
  const Model model = models::mobilenet_v1_x0_25({.num_classes = 2});
  freeze_to(*model, -1);
  return model;
}

class FeatureCacheTest : public ::testing::Test {
 protected:
  CachedFeatures cache(const Model& model, const Dataset& dataset) const {
    FeatureCacheOptions options;
    options.batch_size = 8;
    return cache_features(model, dataset, file_, options);
  }

  testing::TemporaryDirectory directory_;
  std::filesystem::path file_ = directory_ / "features.safetensors";
};

// The loss of every step.
class Losses : public TrainingObserver {
 public:
  void on_batch(int, std::int64_t, std::int64_t, double loss) override { all.push_back(loss); }
  std::vector<double> all;
};

std::vector<double> losses_of(const Model& model, const Model& trained, const Dataset& dataset) {
  const testing::TemporaryDirectory directory;
  std::vector<at::Tensor> parameters;
  for (const at::Tensor& parameter : model->parameters()) {
    if (parameter.requires_grad()) parameters.push_back(parameter);
  }
  torch::optim::Adam optimizer(parameters, torch::optim::AdamOptions(0.01));
  BatchSource batches(dataset,
                      {.batch_size = 8, .order = BatchOptions::Order::shuffled, .seed = 5});
  TrainerOptions options{.epochs = 3,
                         .directory = directory.path(),
                         .checkpoints = {.monitor = "train_loss"},
                         .early_stopping = std::nullopt};
  if (dataset.images.scalar_type() == at::kFloat) options.frozen_backbone.reset();
  Losses losses;
  Trainer(trained, optimizer, options).fit(batches, nullptr, &losses);
  return losses.all;
}

TEST_F(FeatureCacheTest, LeavesTheLossEqualToTheBit) {
  const Dataset images = random_images(20);  // the last batch is smaller
  const Model plain = frozen_model();
  const std::vector<double> expected = losses_of(plain, plain, images);
  const Model model = frozen_model();
  const CachedFeatures cached = cache(model, images);
  EXPECT_EQ(losses_of(model, model_of_features(model, cached.image), cached.features), expected);
}

TEST_F(FeatureCacheTest, ComputesNothingTwice) {
  const Model model = frozen_model();
  const Dataset images = random_images(10);
  const CachedFeatures first = cache(model, images);
  EXPECT_EQ(first.computed, 10);
  EXPECT_EQ(first.features.images.sizes(), (std::vector<std::int64_t>{10, 256}));
  EXPECT_EQ(first.image, (Shape{3, 64, 64}));
  const CachedFeatures second = cache(model, images);
  EXPECT_EQ(second.computed, 0);
  EXPECT_TRUE(second.features.images.equal(first.features.images));
  EXPECT_TRUE(second.features.labels.equal(images.labels));
  const CachedFeatures more = cache(model, random_images(12));
  EXPECT_TRUE(more.features.images.slice(0, 0, 10).allclose(first.features.images));
}

TEST_F(FeatureCacheTest, ComputesNewImagesAlone) {
  const Model model = frozen_model();
  const Dataset all = random_images(12);
  Dataset part = all;
  part.images = all.images.slice(0, 2, 12);
  part.labels = all.labels.slice(0, 2, 12);
  cache(model, part);
  const CachedFeatures more = cache(model, all);
  EXPECT_EQ(more.computed, 2);
  std::filesystem::remove(file_);
  EXPECT_TRUE(cache(model, all).features.images.allclose(more.features.images, 1e-5, 1e-6));
}

TEST_F(FeatureCacheTest, IsDroppedWhenAnythingItDependsOnChanges) {
  const Model model = frozen_model();
  const Dataset images = random_images(4);
  cache(model, images);
  {
    const at::NoGradGuard no_gradients;
    model->named_parameters()["stage3.1.3.weight"].mul_(1.5);
  }
  EXPECT_EQ(cache(model, images).computed, 4);
  FeatureCacheOptions other;
  other.preprocessing.normalisation.mean = {0.4};
  EXPECT_EQ(cache_features(model, images, file_, other).computed, 4);
  EXPECT_EQ(cache_features(model, images, file_, other).computed, 0);
  other.backbone.kernels = FrozenBackboneOptions::Kernels::exact;
  EXPECT_EQ(cache_features(model, images, file_, other).computed, 4);
}

TEST_F(FeatureCacheTest, KeepsSeveralViewsOfEachImage) {
  const Model model = frozen_model();
  const Dataset images = random_images(6);
  FeatureCacheOptions options;
  options.augmentation = "flip";
  options.views = 3;
  options.seed = 1;
  const CachedFeatures cached = cache_features(model, images, file_, options);
  EXPECT_EQ(cached.computed, 18);
  EXPECT_EQ(cached.features.size(), 18);
  EXPECT_TRUE(cached.features.labels.slice(0, 6, 12).equal(images.labels));
  const at::Tensor features = cached.features.images;
  EXPECT_FALSE(features.slice(0, 0, 6).equal(features.slice(0, 6, 12)));
  EXPECT_EQ(cache_features(model, images, file_, options).computed, 0);
}

TEST_F(FeatureCacheTest, OverwritesNoOtherFile) {
  save(dict({{"weight", at::ones({2})}}), file_);
  EXPECT_ERROR(cache(frozen_model(), random_images(2)), ErrorCode::invalid_argument,
               HasSubstr("holds no cached features"));
  EXPECT_TRUE(load(file_).contains("weight"));
}

TEST_F(FeatureCacheTest, RefusesAModelThatIsNotFrozen) {
  const Model model = models::mobilenet_v1_x0_25({.num_classes = 2});
  EXPECT_ERROR(cache(model, random_images(2)), ErrorCode::unsupported, HasSubstr("cannot be cut"));
  EXPECT_FALSE(std::filesystem::exists(file_));
}

}  // namespace feature_cache_test
}  // namespace torchkeep
