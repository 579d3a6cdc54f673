#include <filesystem>
#include <fstream>

#include <torchkeep/dataset.h>

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "vision/idx_files.h"

namespace torchkeep {
namespace dataset_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Image i has the pixel i everywhere; its label is i modulo the number of classes.
Dataset counting(std::int64_t n, std::int64_t classes) {
  Dataset dataset;
  dataset.images =
      at::arange(n, at::kLong).to(at::kByte).view({n, 1, 1, 1}).expand({n, 1, 2, 2}).contiguous();
  dataset.labels = at::arange(n, at::kLong).remainder(classes);
  for (std::int64_t i = 0; i < classes; ++i)
    dataset.class_names.push_back(std::string(1, static_cast<char>('a' + i)));
  return dataset;
}

std::vector<std::int64_t> to_vector(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kLong).contiguous().flatten();
  return {flat.data_ptr<std::int64_t>(), flat.data_ptr<std::int64_t>() + flat.numel()};
}

// Which images of counting() these are.
std::vector<std::int64_t> ids(const Dataset& dataset) {
  return to_vector(dataset.images.select(3, 0).select(2, 0));
}

TEST(Dataset, ReadsBothSplitsOfADirectory) {
  const testing::TemporaryDirectory directory;
  testing::write_dataset(directory.path(),
                         {.classes = 3, .train_per_class = 4, .test_per_class = 2});
  const Dataset train = load_idx(directory.path(), Split::train);
  EXPECT_EQ(train.images.sizes(), (at::IntArrayRef{12, 1, 28, 28}));
  EXPECT_EQ(train.images.scalar_type(), at::kByte);
  EXPECT_THAT(to_vector(train.labels), ElementsAre(0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2));
  EXPECT_THAT(train.class_names, ElementsAre("0", "1", "2"));
  EXPECT_EQ(load_idx(directory.path(), Split::test).size(), 6);
}

TEST(Dataset, ClassNamesMayBeGiven) {
  const testing::TemporaryDirectory directory;
  testing::write_dataset(directory.path(), {.classes = 2, .train_per_class = 1});
  EXPECT_THAT(load_idx(directory.path(), Split::train, {"cat", "dog"}).class_names,
              ElementsAre("cat", "dog"));
  EXPECT_ERROR(load_idx(directory.path(), Split::train, {"cat"}), ErrorCode::corrupt,
               HasSubstr("holds the label 1 (expected less than 1)"));
}

TEST(Dataset, LabelsAndImagesMustBeOfTheSameNumber) {
  const testing::TemporaryDirectory directory;
  testing::write_dataset(directory.path(), {.classes = 2, .train_per_class = 2});
  std::ofstream(directory / "train-labels-idx1-ubyte") << testing::idx_bytes({3}, "\1\1\1");
  EXPECT_ERROR(load_idx(directory.path(), Split::train), ErrorCode::corrupt,
               HasSubstr("holds 3 labels (expected 4"));
}

TEST(Dataset, AMissingFileIsNotFound) {
  const testing::TemporaryDirectory directory;
  EXPECT_ERROR(load_idx(directory.path(), Split::train), ErrorCode::not_found,
               HasSubstr("train-images-idx3-ubyte"));
  EXPECT_ERROR(load_fashion_mnist(Split::test, directory.path()), ErrorCode::not_found,
               HasSubstr("dataset-fashion-mnist"));
}

TEST(Dataset, ReadsFashionMnist) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    GTEST_SKIP() << "Debian's package dataset-fashion-mnist is not installed";
  }
  const Dataset test = load_fashion_mnist(Split::test);
  EXPECT_EQ(test.images.sizes(), (at::IntArrayRef{10000, 1, 28, 28}));
  EXPECT_EQ(test.class_names.at(9), "Ankle boot");
  EXPECT_THAT(to_vector(test.labels.bincount()), ::testing::Each(1000));
  EXPECT_EQ(test.labels[0].item<std::int64_t>(), 9);
  EXPECT_NEAR(test.images.to(at::kDouble).mean().item<double>() / 255.0, 0.2868, 0.0001);
}

TEST(Dataset, SelectsClassesAndNumbersThemAnew) {
  const Dataset selected = select_classes(counting(9, 3), {2, 0});
  EXPECT_THAT(ids(selected), ElementsAre(0, 2, 3, 5, 6, 8));
  EXPECT_THAT(to_vector(selected.labels), ElementsAre(1, 0, 1, 0, 1, 0));
  EXPECT_THAT(selected.class_names, ElementsAre("c", "a"));
}

TEST(Dataset, RefusesAClassThatThereIsNotAndOneNamedTwice) {
  EXPECT_ERROR(select_classes(counting(9, 3), {3}), ErrorCode::invalid_argument,
               HasSubstr("no class 3 (expected 0 to 2)"));
  EXPECT_ERROR(select_classes(counting(9, 3), {-1}), ErrorCode::invalid_argument,
               HasSubstr("no class -1"));
  EXPECT_ERROR(select_classes(counting(9, 3), {1, 1}), ErrorCode::invalid_argument,
               HasSubstr("twice"));
}

TEST(Dataset, TakesTheFirstOfEachClass) {
  EXPECT_THAT(ids(take_per_class(counting(9, 3), 2)), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_ERROR(take_per_class(counting(9, 3), 4), ErrorCode::invalid_argument,
               HasSubstr("class a has 3 images"));
  EXPECT_ERROR(take_per_class(counting(9, 3), 0), ErrorCode::invalid_argument, HasSubstr("0"));
}

TEST(Dataset, ASplitTakesTheFractionOfEachClass) {
  const auto [first, second] = split(counting(40, 4), 0.2, 7);
  EXPECT_THAT(to_vector(first.labels.bincount()), ElementsAre(8, 8, 8, 8));
  EXPECT_THAT(to_vector(second.labels.bincount()), ElementsAre(2, 2, 2, 2));
  std::vector<std::int64_t> all = ids(first);
  for (const std::int64_t id : ids(second)) all.push_back(id);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, ids(counting(40, 4)));
}

TEST(Dataset, ASplitDependsOnTheSeedAlone) {
  at::manual_seed(1);
  const auto once = ids(split(counting(40, 4), 0.5, 7).second);
  at::manual_seed(2);
  EXPECT_EQ(ids(split(counting(40, 4), 0.5, 7).second), once);
  EXPECT_NE(ids(split(counting(40, 4), 0.5, 8).second), once);
  EXPECT_ERROR(split(counting(4, 2), 1.5, 0), ErrorCode::invalid_argument, HasSubstr("1.5"));
}

}  // namespace dataset_test
}  // namespace torchkeep
