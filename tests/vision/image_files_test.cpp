#include "vision/image_files.h"

#include <filesystem>

#include <torchkeep/dataset.h>

#include <ATen/Functions.h>
#include <gmock/gmock.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"

namespace torchkeep {
namespace image_files_test {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class ImageFolder : public ::testing::Test {
 protected:
  void add(const std::string& name) const {
    fs::create_directories((directory_ / name).parent_path());
    testing::write_content(directory_ / name, "");
  }

  std::vector<std::string> files(const Dataset& dataset) const {
    std::vector<std::string> names;
    for (const fs::path& file : dataset.files) {
      names.push_back(file.lexically_relative(directory_.path()).string());
    }
    return names;
  }

  testing::TemporaryDirectory directory_;
};

TEST_F(ImageFolder, ClassesAndFilesComeInTheOrderOfTorchvision) {
  for (const char* name : {"dog/b.jpg", "dog/a.PNG", "dog/z/c.jpeg", "dog/a-b/d.webp", "Cat/1.bmp",
                           "dog/notes.txt", "readme.jpg"}) {
    add(name);
  }
  const Dataset dataset = load_image_folder(directory_.path());
  EXPECT_THAT(dataset.class_names, ElementsAre("Cat", "dog"));
  EXPECT_THAT(files(dataset),
              ElementsAre("Cat/1.bmp", "dog/a.PNG", "dog/b.jpg", "dog/a-b/d.webp", "dog/z/c.jpeg"));
  EXPECT_TRUE(at::equal(dataset.labels, at::tensor({0, 1, 1, 1, 1}, at::kLong)));
}

TEST_F(ImageFolder, AFolderWithoutClassesAndAClassWithoutImagesAreErrors) {
  EXPECT_ERROR(load_image_folder(directory_ / "none"), ErrorCode::not_found, HasSubstr("none"));
  EXPECT_ERROR(load_image_folder(directory_.path()), ErrorCode::not_found,
               HasSubstr("put the images of each class"));
  add("cat/1.jpg");
  add("dog/readme.txt");
  EXPECT_ERROR(load_image_folder(directory_.path()), ErrorCode::not_found,
               AllOf(HasSubstr("folders dog"), HasSubstr(".jpeg")));
}

TEST_F(ImageFolder, LinksAreFollowedAndLoopsEnd) {
  add("cat/1.jpg");
  fs::create_directory_symlink(directory_ / "cat", directory_ / "dog");
  EXPECT_THAT(files(load_image_folder(directory_.path())), ElementsAre("cat/1.jpg", "dog/1.jpg"));
  fs::create_directory_symlink(directory_ / "cat", directory_ / "cat/again");
  EXPECT_ERROR(load_image_folder(directory_.path()), ErrorCode::io, HasSubstr("cat"));
}

TEST_F(ImageFolder, PartsOfItKeepTheirFiles) {
  for (const char* name : {"a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg", "c/1.jpg", "c/2.jpg"}) {
    add(name);
  }
  const Dataset all = load_image_folder(directory_.path());
  const Dataset selected = select_classes(all, {2, 0});
  EXPECT_THAT(files(selected), ElementsAre("a/1.jpg", "a/2.jpg", "c/1.jpg", "c/2.jpg"));
  EXPECT_TRUE(at::equal(selected.labels, at::tensor({1, 1, 0, 0}, at::kLong)));
  EXPECT_THAT(files(take_per_class(all, 1)), ElementsAre("a/1.jpg", "b/1.jpg", "c/1.jpg"));
  const auto [first, second] = split(all, 0.5, 3);
  EXPECT_THAT(first.files, SizeIs(3));
  EXPECT_THAT(second.files, SizeIs(3));
  EXPECT_TRUE(at::equal(second.labels, at::tensor({0, 1, 2}, at::kLong)));
}

TEST_F(ImageFolder, BrokenImagesAreToldAndLeftOut) {
  testing::write_png(directory_ / "a/1.png", testing::plain_image(3, 3, 1));
  testing::write_png(directory_ / "b/1.png", testing::plain_image(3, 3, 1));
  add("a/2.png");
  add("b/0.jpg");
  std::vector<Error> broken;
  const Dataset whole = without_broken_images(load_image_folder(directory_.path()), broken);
  EXPECT_THAT(files(whole), ElementsAre("a/1.png", "b/1.png"));
  ASSERT_THAT(broken, SizeIs(2));
  EXPECT_THAT(broken[0].what(), HasSubstr("a/2.png"));
  EXPECT_THAT(broken[1].what(), HasSubstr("b/0.jpg"));
}

TEST_F(ImageFolder, ListsFilesAndFoldersToPredict) {
  add("in/b.jpg");
  add("in/deeper/a.png");
  add("single.bin");
  const Dataset images = list_images({directory_ / "single.bin", directory_ / "in"});
  EXPECT_THAT(files(images), ElementsAre("single.bin", "in/b.jpg", "in/deeper/a.png"));
  EXPECT_EQ(images.size(), 3);
  EXPECT_ERROR(list_images({directory_ / "nothing"}), ErrorCode::not_found, HasSubstr("nothing"));
}

}  // namespace image_files_test
}  // namespace torchkeep
