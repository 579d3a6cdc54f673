#include <torchkeep/dict.h>
#include <torchkeep/image_model.h>
#include <torchkeep/models.h>

#include <gmock/gmock.h>

#include "support/temporary_directory.h"

namespace torchkeep {
namespace image_model_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ImageModel, NamesAndPreprocessingTravelInTheFile) {
  const testing::TemporaryDirectory directory;
  Model model = models::tiny_vgg();
  EXPECT_THAT(class_names(model), IsEmpty());
  EXPECT_FALSE(preprocessing(model));
  const Preprocessing made{.resize = 30, .crop = 28, .channels = 1};
  set_class_names(model, {"cat", "dog"});
  set_preprocessing(model, made);
  save_model(model, directory / "model.pt");
  const Model loaded = load_model(directory / "model.pt");
  EXPECT_THAT(class_names(loaded), ElementsAre("cat", "dog"));
  EXPECT_EQ(preprocessing(loaded), made);
}

TEST(ImageModel, TheUsualPreprocessingIsThatOfThePublishedWeights) {
  const auto resnet = usual_preprocessing(models::resnet18());
  ASSERT_TRUE(resnet);
  EXPECT_EQ(resnet->resize, 256);
  EXPECT_EQ(resnet->crop, 224);
  EXPECT_EQ(resnet->channels, 3);
  EXPECT_EQ(usual_preprocessing(models::resnet20())->crop, 32);
  EXPECT_EQ(usual_preprocessing(models::tiny_vgg())->channels, 1);
  EXPECT_THAT(usual_preprocessing(models::tiny_vgg())->normalisation.mean, ElementsAre(0.5));
}

}  // namespace image_model_test
}  // namespace torchkeep
