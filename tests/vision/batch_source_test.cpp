#include <numeric>

#include <torchkeep/batch_source.h>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <gmock/gmock.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"
#include "vision/image_files.h"

namespace torchkeep {
namespace batch_source_test {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Order = BatchOptions::Order;

// Image i has the pixel i everywhere, and the label i.
Dataset counting(std::int64_t n) {
  Dataset dataset;
  dataset.images =
      at::arange(n, at::kLong).to(at::kByte).view({n, 1, 1, 1}).expand({n, 1, 2, 3}).contiguous();
  dataset.labels = at::arange(n, at::kLong);
  return dataset;
}

std::vector<std::int64_t> labels_of_epoch(BatchSource& source) {
  std::vector<std::int64_t> labels;
  Batch batch;
  while (source.next(batch)) {
    for (std::int64_t i = 0; i < batch.labels.size(0); ++i) {
      labels.push_back(batch.labels[i].item<std::int64_t>());
    }
  }
  return labels;
}

TEST(BatchSource, GivesEveryImageOnceAndASmallerLastBatch) {
  BatchSource source(counting(7), {.batch_size = 3});
  EXPECT_EQ(source.batches(), 3);
  Batch batch;
  std::vector<std::int64_t> sizes;
  while (source.next(batch)) sizes.push_back(batch.images.size(0));
  EXPECT_THAT(sizes, ElementsAre(3, 3, 1));
  EXPECT_FALSE(source.next(batch));
  source.start_epoch(1);
  EXPECT_THAT(labels_of_epoch(source), ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

TEST(BatchSource, ImagesAndLabelsStayTogetherWhenShuffled) {
  BatchSource source(counting(50), {.batch_size = 8,
                                    .order = Order::shuffled,
                                    .preprocessing = {.normalisation = {{0.0}, {1.0}}}});
  Batch batch;
  while (source.next(batch)) {
    const at::Tensor pixels = batch.images.select(3, 2).select(2, 1).select(1, 0).mul(255).round();
    EXPECT_TRUE(at::equal(pixels.to(at::kLong), batch.labels));
  }
}

TEST(BatchSource, PixelsAreNormalisedAsTorchvisionDoes) {
  BatchSource source(counting(200),
                     {.batch_size = 200, .preprocessing = {.normalisation = {{0.25}, {0.3}}}});
  Batch batch;
  ASSERT_TRUE(source.next(batch));
  EXPECT_EQ(batch.images.scalar_type(), at::kFloat);
  const at::Tensor expected = counting(200).images.to(at::kFloat).div(255).sub(0.25).div(0.3);
  EXPECT_TRUE(at::equal(batch.images, expected));
}

TEST(BatchSource, TheOrderIsThatOfPythonsDistributedSampler) {
  BatchSource source(counting(20), {.order = Order::shuffled, .seed = 5});
  source.start_epoch(3);
  const at::Tensor order = at::randperm(20, at::detail::createCPUGenerator(5 + 3), at::kLong);
  const std::vector<std::int64_t> expected(order.data_ptr<std::int64_t>(),
                                           order.data_ptr<std::int64_t>() + 20);
  EXPECT_EQ(labels_of_epoch(source), expected);
}

TEST(BatchSource, TheOrderDependsOnSeedAndEpochAlone) {
  BatchSource a(counting(30), {.batch_size = 4, .order = Order::shuffled, .seed = 1});
  BatchSource b(counting(30), {.batch_size = 7, .order = Order::shuffled, .seed = 1});
  const auto first = labels_of_epoch(a);
  at::manual_seed(77);
  EXPECT_EQ(labels_of_epoch(b), first);
  a.start_epoch(1);
  EXPECT_NE(labels_of_epoch(a), first);
  a.start_epoch(0);
  EXPECT_EQ(labels_of_epoch(a), first);
}

TEST(BatchSource, LeavesTheGlobalGeneratorAlone) {
  at::manual_seed(3);
  const double expected = at::rand({1}).item<double>();
  at::manual_seed(3);
  BatchSource source(counting(30), {.order = Order::shuffled});
  labels_of_epoch(source);
  EXPECT_EQ(at::rand({1}).item<double>(), expected);
}

TEST(BatchSource, UsesTheMemoryOfABatchAgainOnlyIfNobodyElseHoldsIt) {
  BatchSource source(counting(9), {.batch_size = 3});
  Batch batch;
  ASSERT_TRUE(source.next(batch));
  const void* memory = batch.images.data_ptr();
  ASSERT_TRUE(source.next(batch));
  EXPECT_EQ(batch.images.data_ptr(), memory);
  const at::Tensor kept = batch.images.view({-1});
  const at::Tensor copy = kept.clone();
  ASSERT_TRUE(source.next(batch));
  EXPECT_NE(batch.images.data_ptr(), memory);
  EXPECT_TRUE(at::equal(kept, copy));
}

TEST(BatchSource, APositionInsideAnEpochIsFoundAgain) {
  const BatchOptions options{.batch_size = 4, .order = Order::shuffled, .seed = 9};
  BatchSource straight(counting(30), options);
  straight.start_epoch(2);
  Batch batch;
  straight.next(batch);
  straight.next(batch);
  BatchSource resumed(counting(30), options);
  resumed.load_state_dict(straight.state_dict());
  const auto rest = labels_of_epoch(straight);
  EXPECT_EQ(rest.size(), 22U);
  EXPECT_EQ(labels_of_epoch(resumed), rest);
}

TEST(BatchSource, RefusesThePositionOfOtherBatches) {
  const Value state = BatchSource(counting(30), {.batch_size = 4, .seed = 9}).state_dict();
  BatchSource other_seed(counting(30), {.batch_size = 4, .seed = 8});
  EXPECT_ERROR(other_seed.load_state_dict(state), ErrorCode::mismatch, HasSubstr("seed"));
  BatchSource other_size(counting(29), {.batch_size = 4, .seed = 9});
  EXPECT_ERROR(other_size.load_state_dict(state), ErrorCode::mismatch, HasSubstr("size"));
  BatchSource other_batches(counting(30), {.batch_size = 5, .seed = 9});
  EXPECT_ERROR(other_batches.load_state_dict(state), ErrorCode::mismatch, HasSubstr("batch_size"));
  BatchSource damaged(counting(30), {.batch_size = 4, .seed = 9});
  Value outside = damaged.state_dict();
  outside.as_dict().set("position", 31);
  EXPECT_ERROR(damaged.load_state_dict(outside), ErrorCode::corrupt, HasSubstr("31"));
}

TEST(BatchSource, RefusesWhatGivesNoBatches) {
  EXPECT_ERROR(BatchSource(counting(0)), ErrorCode::invalid_argument, HasSubstr("empty"));
  EXPECT_ERROR(BatchSource(counting(3), {.batch_size = 0}), ErrorCode::invalid_argument,
               HasSubstr("batch size"));
  EXPECT_ERROR(BatchSource(counting(3), {.preprocessing = {.normalisation = {{0.5}, {0.0}}}}),
               ErrorCode::invalid_argument, HasSubstr("standard deviation"));
  EXPECT_ERROR(BatchSource(counting(3), {.preprocessing = {.normalisation = {{0.5, 0.5}, {1, 1}}}}),
               ErrorCode::invalid_argument, HasSubstr("2 channels (expected 1)"));
}

TEST(BatchSource, NormalisesEachChannelAlone) {
  Dataset dataset = counting(4);
  dataset.images = at::arange(4 * 3 * 2 * 2, at::kByte).view({4, 3, 2, 2});
  const Normalisation imagenet{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
  BatchSource source(dataset, {.batch_size = 4, .preprocessing = {.normalisation = imagenet}});
  Batch batch;
  ASSERT_TRUE(source.next(batch));
  const at::Tensor mean = at::tensor(imagenet.mean, at::kFloat).view({3, 1, 1});
  const at::Tensor std = at::tensor(imagenet.std, at::kFloat).view({3, 1, 1});
  EXPECT_TRUE(at::equal(batch.images, dataset.images.to(at::kFloat).div(255).sub(mean).div(std)));
}

TEST(BatchSource, TakesFeaturesAsTheyAre) {
  Dataset dataset = counting(5);
  dataset.images = at::arange(5 * 7, at::kFloat).view({5, 7});
  BatchSource source(dataset, {.batch_size = 5});
  Batch batch;
  ASSERT_TRUE(source.next(batch));
  EXPECT_TRUE(at::equal(batch.images, dataset.images));
}

TEST(BatchSource, ImagesInMemoryAreResizedAndColouredToo) {
  Dataset dataset = counting(3);
  dataset.images = at::arange(3 * 6 * 4, at::kByte).view({3, 1, 6, 4});
  BatchSource source(dataset, {.preprocessing = {.resize = 8, .crop = 5, .channels = 3}});
  Batch batch;
  ASSERT_TRUE(source.next(batch));
  EXPECT_EQ(batch.images.sizes(), (at::IntArrayRef{3, 3, 5, 5}));
  EXPECT_TRUE(at::equal(batch.images.select(1, 0), batch.images.select(1, 2)));
}

TEST(BatchSource, MixesEachImageWithTheOneBeforeIt) {
  Dataset dataset = counting(6);
  dataset.labels = at::arange(6, at::kLong).remainder(2);
  dataset.class_names = {"even", "odd"};
  const Preprocessing plain{.normalisation = {{0.0}, {1.0 / 255.0}}};
  BatchSource source(
      dataset,
      {.batch_size = 6, .seed = 3, .preprocessing = plain, .augmentation = {.mixup = 1.0}});
  Batch batch;
  ASSERT_TRUE(source.next(batch));
  const double share = batch.labels[0][0].item<double>();
  EXPECT_GT(share, 0.0);
  EXPECT_LT(share, 1.0);
  EXPECT_NEAR(batch.labels[0][1].item<double>(), 1.0 - share, 1e-6);
  EXPECT_NEAR(batch.images[0].mean().item<double>(), 5.0 * (1.0 - share), 1e-4);
  EXPECT_NEAR(batch.images[3].mean().item<double>(), 3.0 * share + 2.0 * (1.0 - share), 1e-4);
  Batch again;
  source.start_epoch(0);
  ASSERT_TRUE(source.next(again));
  EXPECT_TRUE(at::equal(again.images, batch.images));
}

// A folder of images whose grey is 10 times their number.
class BatchesOfFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 20; ++i) {
      const std::string name = std::string(i % 2 == 0 ? "a" : "b") + "/" + std::to_string(100 + i);
      testing::write_png(directory_ / (name + ".png"),
                         testing::plain_image(9, 7, static_cast<std::uint8_t>(10 * i)));
    }
  }

  BatchSource source(int workers) const {
    return BatchSource(load_image_folder(directory_.path()), {.batch_size = 6,
                                                              .order = Order::shuffled,
                                                              .seed = 4,
                                                              .preprocessing = {.crop = 5},
                                                              .workers = workers});
  }

  testing::TemporaryDirectory directory_;
};

TEST_F(BatchesOfFiles, AreTheSameWhateverTheNumberOfWorkers) {
  BatchSource one = source(1);
  BatchSource four = source(4);
  for (int epoch = 0; epoch < 2; ++epoch) {
    one.start_epoch(epoch);
    four.start_epoch(epoch);
    Batch a;
    Batch b;
    while (one.next(a)) {
      ASSERT_TRUE(four.next(b));
      EXPECT_EQ(a.images.sizes().slice(1), (at::IntArrayRef{3, 5, 5}));
      EXPECT_TRUE(at::equal(a.images, b.images));
      EXPECT_TRUE(at::equal(a.labels, b.labels));
    }
    EXPECT_FALSE(four.next(b));
  }
}

TEST_F(BatchesOfFiles, ACopyAndASavedPositionGoOnFromTheBatchThatWasGivenOut) {
  BatchSource straight = source(2);
  straight.start_epoch(1);
  Batch batch;
  straight.next(batch);
  BatchSource copy = straight;
  BatchSource resumed = source(2);
  resumed.load_state_dict(straight.state_dict());
  const auto rest = labels_of_epoch(straight);
  EXPECT_EQ(rest.size(), 14U);
  EXPECT_EQ(labels_of_epoch(copy), rest);
  EXPECT_EQ(labels_of_epoch(resumed), rest);
}

TEST_F(BatchesOfFiles, ABrokenOneIsNamedAndTheBatchesBeforeItAreGiven) {
  BatchSource broken(load_image_folder(directory_.path()),
                     {.batch_size = 6, .preprocessing = {.crop = 5}, .workers = 2});
  testing::write_content(directory_ / "a/116.png", "no image");
  Batch batch;
  EXPECT_TRUE(broken.next(batch));
  EXPECT_ERROR(while (broken.next(batch)){}, ErrorCode::unsupported, HasSubstr("a/116.png"));
  EXPECT_EQ(broken.state_dict()["position"].as_int(), 6);
}

TEST_F(BatchesOfFiles, WithoutACropAllAreOfOneSize) {
  testing::write_png(directory_ / "b/119.png", testing::plain_image(8, 7, 0));
  BatchSource source(load_image_folder(directory_.path()), {.batch_size = 20});
  Batch batch;
  EXPECT_ERROR(source.next(batch), ErrorCode::mismatch,
               AllOf(HasSubstr("b/119.png"), HasSubstr("8x7"), HasSubstr("expected 9x7")));
}

}  // namespace batch_source_test
}  // namespace torchkeep
