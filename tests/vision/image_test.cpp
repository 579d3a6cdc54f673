#include <torchkeep/image.h>

#include <gmock/gmock.h>

#include "support/expect_error.h"
#include "vision/image_files.h"

namespace torchkeep {
namespace image_test {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// 0, 1, 2, ... in rows.
Image counting_image(int width, int height) {
  Image image = make_image(width, height, 1);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<std::uint8_t>(i);
  }
  return image;
}

TEST(Image, ResizingToTheSameSizeChangesNothing) {
  const Image image = testing::busy_image(7, 5);
  EXPECT_EQ(resize(image, 7, 5).pixels, image.pixels);
}

TEST(Image, ResizingKeepsAPlainImagePlain) {
  const Image image = testing::plain_image(31, 17, 201);
  for (const auto interpolation : {Interpolation::bilinear, Interpolation::bicubic}) {
    EXPECT_THAT(resize(image, 10, 50, interpolation).pixels, Each(201));
  }
}

TEST(Image, ResizingTakesAllPixelsIntoAccount) {
  Image image = make_image(4, 1, 1);
  image.pixels = {0, 0, 255, 255};
  EXPECT_THAT(resize(image, 2, 1).pixels, ElementsAre(36, 219));
  EXPECT_THAT(resize(image, 8, 1, Interpolation::bicubic).pixels,
              ElementsAre(0, 0, 0, 52, 203, 255, 255, 255));
}

TEST(Image, TheLongerSideIsRoundedDown) {
  const Image wide = resize_shorter_side(testing::busy_image(50, 30), 20);
  EXPECT_EQ(wide.width, 33);
  EXPECT_EQ(wide.height, 20);
  EXPECT_EQ(resize_shorter_side(testing::busy_image(30, 50), 20).height, 33);
}

TEST(Image, AnExtremeFormIsRefusedBeforeMemoryIsTaken) {
  EXPECT_ERROR(resize_shorter_side(testing::plain_image(1, 100000, 0, 1), 256), ErrorCode::unsafe,
               HasSubstr("1x100000"));
}

TEST(Image, TheCentreIsCutWhereTorchvisionCutsIt) {
  EXPECT_THAT(centre_crop(counting_image(5, 5), 3).pixels,
              ElementsAre(6, 7, 8, 11, 12, 13, 16, 17, 18));
  // A margin of 0.5 goes to the even number, 1.5 as well.
  EXPECT_THAT(centre_crop(counting_image(3, 3), 2).pixels, ElementsAre(0, 1, 3, 4));
  EXPECT_THAT(centre_crop(counting_image(5, 5), 2).pixels, ElementsAre(12, 13, 17, 18));
}

TEST(Image, WhatIsCutOffNeedNotBeComputed) {
  const Image image = testing::busy_image(50, 37);
  for (const int size : {37, 50, 20, 19}) {
    for (const int cut : {19, 20, 10, 60}) {
      EXPECT_EQ(resize_and_centre_crop(image, size, cut).pixels,
                centre_crop(resize_shorter_side(image, size), cut).pixels)
          << size << " " << cut;
    }
  }
}

TEST(Image, ASmallImageGetsMargins) {
  EXPECT_THAT(centre_crop(counting_image(2, 2), 3).pixels, ElementsAre(0, 1, 0, 2, 3, 0, 0, 0, 0));
  EXPECT_THAT(crop(counting_image(2, 2), -5, -5, 2, 2).pixels, Each(0));
  EXPECT_THAT(crop(counting_image(2, 2), 1, 1, 2, 2).pixels, ElementsAre(3, 0, 0, 0));
}

TEST(Image, EachOrientationOfExifIsTurnedBack) {
  const Image stored = counting_image(2, 3);
  EXPECT_THAT(oriented(stored, 1).pixels, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(oriented(stored, 2).pixels, ElementsAre(1, 0, 3, 2, 5, 4));
  EXPECT_THAT(oriented(stored, 3).pixels, ElementsAre(5, 4, 3, 2, 1, 0));
  EXPECT_THAT(oriented(stored, 4).pixels, ElementsAre(4, 5, 2, 3, 0, 1));
  EXPECT_THAT(oriented(stored, 5).pixels, ElementsAre(0, 2, 4, 1, 3, 5));
  EXPECT_THAT(oriented(stored, 6).pixels, ElementsAre(4, 2, 0, 5, 3, 1));
  EXPECT_THAT(oriented(stored, 7).pixels, ElementsAre(5, 3, 1, 4, 2, 0));
  EXPECT_THAT(oriented(stored, 8).pixels, ElementsAre(1, 3, 5, 0, 2, 4));
}

TEST(Image, RefusesSizesAndChannelsThatThereAreNot) {
  EXPECT_ERROR(make_image(0, 1, 1), ErrorCode::invalid_argument, HasSubstr("0x1"));
  EXPECT_ERROR(resize(testing::busy_image(2, 2), -1, 5), ErrorCode::invalid_argument,
               HasSubstr("-1x5"));
  EXPECT_ERROR(with_channels(make_image(1, 1, 4), 3), ErrorCode::unsupported,
               HasSubstr("4 channels"));
}

}  // namespace image_test
}  // namespace torchkeep
