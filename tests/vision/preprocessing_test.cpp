#include <torchkeep/batch_source.h>
#include <torchkeep/dict.h>
#include <torchkeep/preprocessing.h>

#include <gmock/gmock.h>

#include "support/expect_error.h"
#include "vision/image_files.h"

namespace torchkeep {
namespace preprocessing_test {

using ::testing::HasSubstr;

const Preprocessing kPreset{.resize = 256,
                            .crop = 224,
                            .interpolation = Interpolation::bicubic,
                            .normalisation = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}},
                            .channels = 3,
                            .orientation = Orientation::from_exif,
                            .jpeg_scale = JpegScale::reduced};

Value changed(const char* key, Value value) {
  Dict dict = to_value(kPreset).as_dict();
  dict.set(key, std::move(value));
  return Value(std::move(dict));
}

TEST(Preprocessing, SurvivesTheWayThroughAValue) {
  EXPECT_EQ(preprocessing_from_value(to_value(kPreset)), kPreset);
  EXPECT_EQ(preprocessing_from_value(to_value(Preprocessing())), Preprocessing());
}

TEST(Preprocessing, ADamagedValueIsRefused) {
  EXPECT_ERROR(preprocessing_from_value(dict({{"resize", 3}})), ErrorCode::not_found,
               HasSubstr("crop"));
  EXPECT_ERROR(preprocessing_from_value(changed("interpolation", "nearest")), ErrorCode::mismatch,
               HasSubstr("nearest"));
  EXPECT_ERROR(preprocessing_from_value(changed("crop", std::int64_t{1} << 40)),
               ErrorCode::invalid_argument, HasSubstr("crop"));
  EXPECT_ERROR(preprocessing_from_value(changed("std", list({1.0}))), ErrorCode::invalid_argument,
               HasSubstr("3 means and 1"));
  EXPECT_ERROR(preprocessing_from_value(changed("channels", 2)), ErrorCode::invalid_argument,
               HasSubstr("2 channels"));
}

TEST(Preprocessing, IsToldInALine) {
  EXPECT_EQ(to_string(kPreset),
            "resize 256, crop 224, bicubic, mean 0.485 0.456 0.406, std 0.229 0.224 0.225");
  EXPECT_EQ(to_string(Preprocessing()), "mean 0.5, std 0.5");
}

TEST(Preprocessing, GivesATensorOfPlanes) {
  Image image = testing::plain_image(6, 4, 0);
  for (std::size_t i = 2; i < image.pixels.size(); i += 3) image.pixels[i] = 255;
  const at::Tensor tensor = preprocess(image, {.resize = 2, .crop = 2});
  EXPECT_EQ(tensor.sizes(), (at::IntArrayRef{3, 2, 2}));
  EXPECT_EQ(tensor[0][1][1].item<float>(), -1.0F);
  EXPECT_EQ(tensor[2][1][1].item<float>(), 1.0F);
}

}  // namespace preprocessing_test
}  // namespace torchkeep
