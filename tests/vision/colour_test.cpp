// That the colours are PIL's to the bit is checked by tests/interop/vision_test.py.
#include <torchkeep/augmentation.h>

#include <gmock/gmock.h>

#include "support/expect_error.h"
#include "vision/image_files.h"

namespace torchkeep {
namespace colour_test {

using ::testing::Each;
using ::testing::HasSubstr;

TEST(Colour, AFactorOf1ChangesNothing) {
  const Image image = testing::busy_image(9, 9);
  EXPECT_EQ(with_brightness(image, 1.0).pixels, image.pixels);
  EXPECT_EQ(with_contrast(image, 1.0).pixels, image.pixels);
  EXPECT_EQ(with_saturation(image, 1.0).pixels, image.pixels);
}

TEST(Colour, AFactorOf0IsBlackOrGrey) {
  const Image image = testing::busy_image(9, 9);
  EXPECT_THAT(with_brightness(image, 0.0).pixels, Each(0));
  const Image flat = with_contrast(image, 0.0);
  EXPECT_THAT(flat.pixels, Each(flat.pixels.front()));
  EXPECT_EQ(with_saturation(image, 0.0).pixels, with_channels(with_channels(image, 1), 3).pixels);
}

TEST(Colour, GreyHasNoHue) {
  const Image grey = testing::busy_image(9, 9, 1);
  EXPECT_EQ(with_hue(grey, 0.3).pixels, grey.pixels);
  EXPECT_EQ(with_hue(with_channels(grey, 3), 0.3).pixels, with_channels(grey, 3).pixels);
  EXPECT_ERROR(with_hue(grey, 0.7), ErrorCode::invalid_argument, HasSubstr("0.7"));
}

}  // namespace colour_test
}  // namespace torchkeep
