// Folders of images from the command line: training, measuring, predicting.
#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "cli/torchkeep_program.h"
#include "support/shared_data.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"
#include "vision/image_files.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::ProgramResult;
using ::testing::SizeIs;
using testing::torchkeep_program;

// Dark and light images of several sizes, as PNG and JPEG.
class ImageCommands : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 12; ++i) {
      add("train/dark/" + std::to_string(i) + ".png", 30 + i, 5 * i);
      add("train/light/" + std::to_string(i) + ".jpg", 35 + i, 200 + i);
    }
    for (int i = 0; i < 4; ++i) {
      add("val/dark/" + std::to_string(i) + ".jpg", 40, 10 * i);
      add("val/light/" + std::to_string(i) + ".png", 29, 210 + i);
    }
  }

  void add(const std::string& name, int width, int value) const {
    const Image image = testing::plain_image(width, 32, static_cast<std::uint8_t>(value));
    if (name.ends_with("png")) {
      testing::write_png(data_ / name, image);
    } else {
      testing::write_jpeg(data_ / name, image);
    }
  }

  std::vector<std::string> train(const std::string& output,
                                 const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"train",
                                       "--data",
                                       "folder:" + data_.string(),
                                       "--batch-size",
                                       "8",
                                       "--epochs",
                                       "4",
                                       "--seed",
                                       "5",
                                       "--threads",
                                       "1",
                                       "--output",
                                       (directory_ / output).string()};
    return testing::with_options(arguments, more);
  }

  nlohmann::json json_of(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    const ProgramResult result = torchkeep_program(arguments);
    EXPECT_EQ(result.exit_status, 0) << result.standard_error;
    return nlohmann::json::parse(result.standard_output);
  }

  testing::TemporaryDirectory directory_;
  fs::path data_ = directory_ / "data";
};

TEST_F(ImageCommands, WhatATrainingLearntIsToldOfOtherImages) {
  const auto trained = json_of(train("run"));
  EXPECT_EQ(trained["training_images"], 24);
  EXPECT_EQ(trained["validation_images"], 8);
  const std::string run = (directory_ / "run").string();
  const auto measured = json_of({"eval", run});
  EXPECT_EQ(measured["split"], "test");
  EXPECT_EQ(measured["images"], 8);
  EXPECT_EQ(measured["acc"], 1.0);
  EXPECT_EQ(measured["confusion"], nlohmann::json::parse("[[4, 0], [0, 4]]"));
  EXPECT_EQ(measured["per_class"][1]["class"], "light");

  const auto predicted = json_of({"predict", run, (data_ / "val/light").string(),
                                  (data_ / "val/dark/2.jpg").string(), "--top-k", "1"});
  ASSERT_THAT(predicted["predictions"], SizeIs(5));
  EXPECT_EQ(predicted["predictions"][0]["classes"][0]["class"], "light");
  EXPECT_EQ(predicted["predictions"][4]["image"], (data_ / "val/dark/2.jpg").string());
  EXPECT_EQ(predicted["predictions"][4]["classes"][0]["class"], "dark");
  EXPECT_THAT(predicted["predictions"][4]["classes"], SizeIs(1));
}

TEST_F(ImageCommands, PredictionsAreATableOrLinesBetweenCommas) {
  ASSERT_EQ(torchkeep_program(train("run", {"--epochs", "1"})).exit_status, 0);
  const std::string run = (directory_ / "run").string();
  const std::string image = (data_ / "val/light/1.png").string();
  EXPECT_THAT(torchkeep_program({"predict", run, image}).standard_output,
              AllOf(HasSubstr("image"), HasSubstr("1.png"), HasSubstr("dark"), HasSubstr("light")));
  const std::string csv = torchkeep_program({"predict", run, image, "--csv"}).standard_output;
  EXPECT_THAT(csv, ::testing::StartsWith("image,rank,class,index,probability\n" + image + ",1,"));
  EXPECT_EQ(torchkeep_program({"predict", run, image, "--csv", "--json"}).exit_status, 2);
}

TEST_F(ImageCommands, EvalSaysWhatIsTakenForWhat) {
  ASSERT_EQ(torchkeep_program(train("run")).exit_status, 0);
  const std::string run = (directory_ / "run").string();
  EXPECT_THAT(torchkeep_program({"eval", run}).standard_output,
              AllOf(HasSubstr("accuracy 1.0000 on 8 test images of 2 classes"),
                    HasSubstr("most often taken for"), HasSubstr("light")));
  EXPECT_THAT(torchkeep_program({"eval", run, "--confusion"}).standard_output,
              HasSubstr("taken for"));
  // A folder with one of the classes, under its own name.
  fs::create_directory(directory_ / "other");
  fs::copy(data_ / "val/light", directory_ / "other/light", fs::copy_options::recursive);
  const auto other = json_of({"eval", run, "--data", (directory_ / "other").string()});
  EXPECT_EQ(other["split"], "all");
  EXPECT_EQ(other["confusion"], nlohmann::json::parse("[[0, 0], [0, 4]]"));
  fs::rename(directory_ / "other/light", directory_ / "other/bright");
  const ProgramResult unknown =
      torchkeep_program({"eval", run, "--data", (directory_ / "other").string()});
  EXPECT_EQ(unknown.exit_status, 3);
  EXPECT_THAT(unknown.standard_error, HasSubstr("not expected: bright (expected dark, light)"));
}

TEST_F(ImageCommands, ABrokenImageIsNamedOrLeftOut) {
  testing::write_content(data_ / "train/dark/broken.png", "no image");
  const ProgramResult failed = torchkeep_program(train("run"));
  EXPECT_EQ(failed.exit_status, 3);
  EXPECT_THAT(failed.standard_error, HasSubstr("dark/broken.png: "));
  const ProgramResult skipping =
      torchkeep_program(train("other", {"--broken-images", "skip", "--epochs", "1"}));
  EXPECT_EQ(skipping.exit_status, 0);
  EXPECT_THAT(skipping.standard_error, HasSubstr("skipped "));
  EXPECT_THAT(skipping.standard_output, HasSubstr("24 images to train on"));
}

TEST_F(ImageCommands, AugmentedTrainingsResumeToTheBit) {
  std::vector<std::string> arguments =
      train("proof", {"--augment", "crop,flip,jitter,erasing", "--workers", "2", "--epochs", "10"});
  arguments.front() = "prove-resume";
  const auto output = std::ranges::find(arguments, "--output");
  *output = "--directory";
  const ProgramResult proved = torchkeep_program(arguments);
  EXPECT_EQ(proved.exit_status, 0) << proved.standard_output << proved.standard_error;
}

TEST_F(ImageCommands, OtherImagesAreNoResume) {
  ASSERT_EQ(torchkeep_program(train("run", {"--epochs", "1"})).exit_status, 0);
  const std::string run = (directory_ / "run").string();
  fs::rename(data_ / "train/dark/3.png", data_ / "train/dark/33.png");
  const ProgramResult resumed = torchkeep_program({"resume", run, "--epochs", "2"});
  EXPECT_EQ(resumed.exit_status, 3);
  EXPECT_THAT(resumed.standard_error, HasSubstr("not those that the training began with"));
  fs::rename(data_ / "train/dark/33.png", data_ / "train/dark/3.png");
  EXPECT_EQ(torchkeep_program({"resume", run, "--epochs", "2"}).exit_status, 0);
}

TEST_F(ImageCommands, AValidationPartMayLackClasses) {
  add("train/another/1.png", 30, 100);
  const auto chosen = json_of(train("run", {"--classes", "1-2", "--epochs", "1"}));
  EXPECT_EQ(chosen["training_images"], 24);
  EXPECT_EQ(chosen["validation_images"], 8);
}

TEST_F(ImageCommands, ImagesAreListedInAFile) {
  testing::write_content(data_ / "list.csv",
                         "train/dark/1.png,night\ntrain/dark/2.png,night\ntrain/light/1.jpg,day\n"
                         "train/light/2.jpg,day\n");
  const auto trained = json_of(train("run", {"--data", "csv:" + (data_ / "list.csv").string(),
                                             "--epochs", "1", "--validation-fraction", "0.5"}));
  EXPECT_EQ(trained["training_images"], 2);
  EXPECT_EQ(trained["validation_images"], 2);
  const ProgramResult whole = torchkeep_program({"eval", (directory_ / "run").string()});
  EXPECT_EQ(whole.exit_status, 3);
  EXPECT_THAT(whole.standard_error, HasSubstr("no part for tests; name data with --data"));
}

TEST_F(ImageCommands, RunTakesAnImage) {
  ASSERT_EQ(torchkeep_program(train("run", {"--epochs", "1"})).exit_status, 0);
  std::string best = torchkeep_program({"best", (directory_ / "run").string()}).standard_output;
  best.pop_back();
  const std::string out = (directory_ / "out.npy").string();
  const ProgramResult ran = torchkeep_program(
      {"run", best, (data_ / "val/light/1.png").string(), "--preprocess", "-o", out});
  ASSERT_EQ(ran.exit_status, 0) << ran.standard_error;
  EXPECT_EQ(json_of({"inspect", out})["tensors"][0]["shape"], nlohmann::json::parse("[1, 2]"));
}

TEST_F(ImageCommands, WrongOptionsSayWhatThereIs) {
  const ProgramResult augment = torchkeep_program(train("run", {"--augment", "flop"}));
  EXPECT_EQ(augment.exit_status, 2);
  EXPECT_THAT(augment.standard_error, HasSubstr("did you mean 'flip'?"));
  EXPECT_EQ(torchkeep_program(train("run", {"--broken-images", "eat"})).exit_status, 2);
  EXPECT_EQ(torchkeep_program(train("run", {"--weights", "a", "--from", "b"})).exit_status, 2);
}

// The weights that ImageNet left in a small network tell cats from dogs after one new layer is
// trained for a minute at most.
TEST_F(ImageCommands, TransfersPublishedWeightsToPhotos) {
  const fs::path photos = testing::shared_data("images/cats_dogs");
  const fs::path weights = testing::shared_data("weights/mobilenetV1X0.25_pretrain.tar");
  SKIP_WITHOUT(photos);
  SKIP_WITHOUT(weights);
  const std::string data = "folder:" + photos.string();
  const std::string output = (directory_ / "run").string();
  const auto trained =
      json_of({"train", "--data", data, "--model", "mobilenet_v1_x0_25", "--weights",
               weights.string(), "--freeze", "stage*", "--lr", "0.01", "--epochs", "3",
               "--batch-size", "32", "--seed", "1", "--output", output});
  EXPECT_EQ(trained["training_images"], 600);
  EXPECT_EQ(trained["validation_images"], 200);
  EXPECT_EQ(trained["trainable_parameters"], 256 * 2 + 2);
  EXPECT_GT(trained["best"]["metrics"]["val_acc"], 0.88);
}

}  // namespace
}  // namespace torchkeep
