#include <set>

#include <torchkeep/augmentation.h>

#include <gmock/gmock.h>

#include "support/expect_error.h"
#include "vision/image_files.h"

namespace torchkeep {
namespace augmentation_test {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Lt;

const Preprocessing kCut{.resize = 16, .crop = 12};

Image augmented(const Augmentation& augmentation, std::int64_t image, int epoch = 0) {
  ImageRandom random(5, epoch, image);
  return augment_pixels(testing::busy_image(30, 20), kCut, augmentation, random);
}

TEST(Augmentation, TheDefaultChangesNothing) {
  EXPECT_TRUE(is_identity({}));
  EXPECT_EQ(augmented({}, 3).pixels, preprocess_pixels(testing::busy_image(30, 20), kCut).pixels);
}

TEST(Augmentation, IsAFunctionOfSeedEpochAndImage) {
  const Augmentation all = parse_augmentation("crop,flip,jitter,erasing");
  EXPECT_FALSE(is_identity(all));
  EXPECT_EQ(augmented(all, 3).pixels, augmented(all, 3).pixels);
  EXPECT_NE(augmented(all, 3).pixels, augmented(all, 4).pixels);
  EXPECT_NE(augmented(all, 3).pixels, augmented(all, 3, 1).pixels);
}

TEST(Augmentation, AFlipMirrorsAboutAsOftenAsAsked) {
  const Image whole = augmented({}, 0);
  int flips = 0;
  for (int image = 0; image < 400; ++image) {
    const Image result = augmented({.horizontal_flip = 0.25}, image);
    if (result.pixels == whole.pixels) continue;
    EXPECT_EQ(result.pixels, flipped(whole).pixels);
    ++flips;
  }
  EXPECT_THAT(flips, AllOf(Ge(70), Lt(130)));
}

TEST(Augmentation, ARandomCropHasTheSizeOfTheCrop) {
  std::set<std::vector<std::uint8_t>> different;
  for (int image = 0; image < 50; ++image) {
    const Image result = augmented({.random_resized_crop = RandomResizedCrop()}, image);
    EXPECT_EQ(result.width, 12);
    EXPECT_EQ(result.height, 12);
    different.insert(result.pixels);
  }
  EXPECT_GT(different.size(), 45U);
}

TEST(Augmentation, ARandomCropOfTheWholeImageIsTheImage) {
  ImageRandom random(1, 2, 3);
  const Image square = testing::busy_image(24, 24);
  const Augmentation whole{.random_resized_crop = RandomResizedCrop{
                               .min_scale = 1.0, .min_ratio = 1.0, .max_ratio = 1.0}};
  EXPECT_EQ(augment_pixels(square, kCut, whole, random).pixels, resize(square, 12, 12).pixels);
}

TEST(Augmentation, AnImageOfAnotherFormIsCutInTheMiddle) {
  ImageRandom random(1, 2, 3);
  const Image wide = testing::busy_image(200, 10);
  const Augmentation squares{.random_resized_crop = RandomResizedCrop{
                                 .min_scale = 1.0, .min_ratio = 1.0, .max_ratio = 1.0}};
  EXPECT_EQ(augment_pixels(wide, kCut, squares, random).pixels,
            resize(crop(wide, 95, 0, 10, 10), 12, 12).pixels);
}

TEST(Augmentation, PaddingMovesTheImage) {
  std::set<int> first_rows;
  for (int i = 0; i < 200; ++i) {
    ImageRandom random(1, 0, i);
    const Image moved =
        augment_pixels(testing::plain_image(12, 12, 255), kCut, {.crop_padding = 2}, random);
    int row = 0;
    while (row < 12 && moved.row(row)[3 * 6] == 0) ++row;
    first_rows.insert(row);
  }
  // The image is resized to 16 pixels, so that a cut of 12 begins up to 2 pixels outside.
  EXPECT_THAT(first_rows, ElementsAre(0, 1, 2));
}

TEST(Augmentation, ErasingLeavesARectangleOfZeros) {
  std::vector<float> planes(2 * 20 * 20, 1.0F);
  ImageRandom random(1, 2, 3);
  erase_randomly(planes.data(), 2, 20, 20, {.probability = 1.0}, random);
  const auto zeros = std::count(planes.begin(), planes.end(), 0.0F);
  EXPECT_THAT(zeros, AllOf(Ge(2 * 6), Lt(2 * 150)));
  for (std::size_t i = 0; i < 400; ++i) EXPECT_EQ(planes[i], planes[i + 400]);
  const auto before = planes;
  erase_randomly(planes.data(), 2, 20, 20, {.probability = 0.0}, random);
  EXPECT_EQ(planes, before);
}

TEST(Augmentation, RandomNumbersFillTheirRangeEvenly) {
  ImageRandom random(0, 0, 0);
  std::vector<int> counts(7);
  double sum = 0.0;
  for (int i = 0; i < 7000; ++i) {
    ++counts[static_cast<std::size_t>(random.below(7))];
    const double number = random.uniform(-1.0, 3.0);
    EXPECT_THAT(number, AllOf(Ge(-1.0), Lt(3.0)));
    sum += number;
  }
  EXPECT_THAT(counts, Each(AllOf(Ge(850), Lt(1150))));
  EXPECT_NEAR(sum / 7000, 1.0, 0.1);
}

TEST(Augmentation, TheBetaDistributionIsSymmetricAndPrefersItsEnds) {
  ImageRandom random(0, 0, 0);
  int ends = 0;
  double sum = 0.0;
  for (int i = 0; i < 2000; ++i) {
    const double share = random.beta(0.2);
    EXPECT_THAT(share, AllOf(Ge(0.0), ::testing::Le(1.0)));
    sum += share;
    if (share < 0.05 || share > 0.95) ++ends;
  }
  EXPECT_NEAR(sum / 2000, 0.5, 0.05);
  EXPECT_THAT(ends, AllOf(Ge(1000), Lt(1500)));
}

TEST(Augmentation, IsReadFromText) {
  const Augmentation read = parse_augmentation("flip,crop=0.3,jitter=0.2,hue=0.4,erasing");
  EXPECT_EQ(read.horizontal_flip, 0.5);
  EXPECT_EQ(read.random_resized_crop->min_scale, 0.3);
  EXPECT_EQ(read.colour_jitter.brightness, 0.2);
  EXPECT_EQ(read.colour_jitter.hue, 0.4);
  EXPECT_EQ(read.random_erasing.probability, 0.25);
  EXPECT_EQ(parse_augmentation("pad").crop_padding, 4);
  EXPECT_EQ(parse_augmentation("randaugment=12").rand_augment->magnitude, 12);
  EXPECT_TRUE(is_identity(parse_augmentation("")));
}

TEST(Augmentation, WhatCannotBeIsRefused) {
  EXPECT_ERROR(parse_augmentation("flop"), ErrorCode::invalid_argument, HasSubstr("'flip'"));
  EXPECT_ERROR(parse_augmentation("flip=often"), ErrorCode::invalid_argument, HasSubstr("often"));
  EXPECT_ERROR(parse_augmentation("flip=2"), ErrorCode::invalid_argument, HasSubstr("0 to 1"));
  EXPECT_ERROR(parse_augmentation("hue=0.6"), ErrorCode::invalid_argument, HasSubstr("0 to 0.5"));
  EXPECT_ERROR(parse_augmentation("crop=0"), ErrorCode::invalid_argument, HasSubstr("scale"));
  EXPECT_ERROR(parse_augmentation("crop,pad"), ErrorCode::invalid_argument, HasSubstr("not both"));
  EXPECT_ERROR(parse_augmentation("pad=-1"), ErrorCode::invalid_argument, HasSubstr("padding"));
  EXPECT_ERROR(parse_augmentation("mixup=3"), ErrorCode::invalid_argument, HasSubstr("0 to 2"));
  EXPECT_ERROR(parse_augmentation("randaugment=31"), ErrorCode::invalid_argument,
               HasSubstr("0 to 30"));
}

}  // namespace augmentation_test
}  // namespace torchkeep
