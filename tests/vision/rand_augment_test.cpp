// That each operation is torchvision's to the bit is checked by tests/interop/vision_test.py.
#include <set>

#include <torchkeep/augmentation.h>

#include <gmock/gmock.h>

#include "vision/image_files.h"

namespace torchkeep {
namespace rand_augment_test {

using ::testing::ElementsAre;

TEST(RandAugment, MovesAndBendsPixels) {
  Image image = make_image(3, 2, 1);
  image.pixels = {1, 2, 3, 4, 5, 6};
  EXPECT_THAT(apply(image, Operation::translate_x, 1.9).pixels, ElementsAre(0, 1, 2, 0, 4, 5));
  EXPECT_THAT(apply(image, Operation::translate_y, -1.0).pixels, ElementsAre(4, 5, 6, 0, 0, 0));
  EXPECT_THAT(apply(image, Operation::shear_x, 1.0).pixels, ElementsAre(2, 3, 0, 6, 0, 0));
  EXPECT_THAT(apply(image, Operation::rotate, 180.0).pixels, ElementsAre(6, 5, 4, 3, 2, 1));
}

TEST(RandAugment, ChangesValues) {
  Image image = make_image(3, 1, 1);
  image.pixels = {100, 150, 200};
  EXPECT_THAT(apply(image, Operation::posterise, 2.0).pixels, ElementsAre(64, 128, 192));
  EXPECT_THAT(apply(image, Operation::solarise, 150.0).pixels, ElementsAre(100, 105, 55));
  EXPECT_THAT(apply(image, Operation::autocontrast, 0.0).pixels, ElementsAre(0, 127, 254));
  EXPECT_EQ(apply(image, Operation::equalise, 0.0).pixels, image.pixels);
  EXPECT_EQ(apply(image, Operation::identity, 0.0).pixels, image.pixels);
}

TEST(RandAugment, IsAFunctionOfItsRandomNumbers) {
  const Image image = testing::busy_image(20, 20);
  std::set<std::vector<std::uint8_t>> different;
  for (int i = 0; i < 60; ++i) {
    ImageRandom random(1, 2, i);
    ImageRandom again(1, 2, i);
    const Image changed = rand_augmented(image, {.operations = 2, .magnitude = 9}, random);
    EXPECT_EQ(changed.pixels,
              rand_augmented(image, {.operations = 2, .magnitude = 9}, again).pixels);
    different.insert(changed.pixels);
  }
  EXPECT_GT(different.size(), 30U);
}

}  // namespace rand_augment_test
}  // namespace torchkeep
