#include <numeric>

#include <torchkeep/dataset.h>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace batch_source_test {

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
  BatchSource source(
      counting(50),
      {.batch_size = 8, .order = Order::shuffled, .mean = 0.0, .standard_deviation = 1.0});
  Batch batch;
  while (source.next(batch)) {
    const at::Tensor pixels = batch.images.select(3, 2).select(2, 1).select(1, 0).mul(255).round();
    EXPECT_TRUE(at::equal(pixels.to(at::kLong), batch.labels));
  }
}

TEST(BatchSource, PixelsAreNormalisedAsTorchvisionDoes) {
  BatchSource source(counting(200), {.batch_size = 200, .mean = 0.25, .standard_deviation = 0.3});
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
  EXPECT_ERROR(BatchSource(counting(3), {.standard_deviation = 0.0}), ErrorCode::invalid_argument,
               HasSubstr("standard deviation"));
}

}  // namespace batch_source_test
}  // namespace torchkeep
