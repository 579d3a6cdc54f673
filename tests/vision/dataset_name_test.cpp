#include <torchkeep/dataset.h>

#include <ATen/Functions.h>
#include <gmock/gmock.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"
#include "vision/idx_files.h"

namespace torchkeep {
namespace dataset_name_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DatasetName : public ::testing::Test {
 protected:
  void add(const std::string& name) const {
    std::filesystem::create_directories((directory_ / name).parent_path());
    testing::write_content(directory_ / name, "");
  }
  std::string path(const std::string& name = "") const { return (directory_ / name).string(); }
  testing::TemporaryDirectory directory_;
};

TEST_F(DatasetName, AFolderInOnePieceIsForTraining) {
  add("cat/1.jpg");
  add("dog/1.jpg");
  for (const std::string& name : {"folder:" + path(), path()}) {
    EXPECT_THAT(load_dataset(name, Split::train)->class_names, ElementsAre("cat", "dog"));
    EXPECT_FALSE(load_dataset(name, Split::validation));
    EXPECT_FALSE(load_dataset(name, Split::test));
  }
}

TEST_F(DatasetName, ADividedFolderGivesItsParts) {
  add("train/cat/1.jpg");
  add("train/cat/2.jpg");
  add("val/cat/3.jpg");
  EXPECT_EQ(load_dataset(path(), Split::train)->size(), 2);
  EXPECT_EQ(load_dataset(path(), Split::validation)->size(), 1);
  EXPECT_EQ(load_dataset(path(), Split::test)->files.front(), directory_ / "val/cat/3.jpg");
  add("test/cat/4.jpg");
  EXPECT_EQ(load_dataset(path(), Split::test)->files.front(), directory_ / "test/cat/4.jpg");
  EXPECT_EQ(load_dataset(path(), Split::validation)->files.front(), directory_ / "val/cat/3.jpg");
}

TEST_F(DatasetName, FilesOfOtherFormsAreNamedByAWord) {
  testing::write_content(directory_ / "list.csv", "a.jpg,cat\n");
  EXPECT_EQ(load_dataset("csv:" + path("list.csv"), Split::train)->size(), 1);
  EXPECT_FALSE(load_dataset("csv:" + path("list.csv"), Split::test));
  testing::write_dataset(directory_ / "idx", {.classes = 2, .test_per_class = 3});
  EXPECT_EQ(load_dataset("idx:" + path("idx"), Split::test)->size(), 6);
  EXPECT_FALSE(load_dataset("idx:" + path("idx"), Split::validation));
  EXPECT_ERROR(load_dataset("cifar10:" + path(), Split::test), ErrorCode::not_found,
               HasSubstr("test_batch.bin"));
}

TEST_F(DatasetName, OtherNamesAreRefusedWithThoseThereAre) {
  EXPECT_ERROR(load_dataset("mnist", Split::train), ErrorCode::invalid_argument,
               HasSubstr("folder:DIR"));
  EXPECT_ERROR(load_dataset("idx:", Split::train), ErrorCode::invalid_argument,
               HasSubstr("idx:DIR"));
  EXPECT_ERROR(load_dataset("folder:" + path("none"), Split::train), ErrorCode::not_found,
               HasSubstr("none"));
}

TEST_F(DatasetName, LabelsFollowTheClassesOfAModel) {
  add("dog/1.jpg");
  add("ant/1.jpg");
  const Dataset data = *load_dataset(path(), Split::train);
  const Dataset relabelled = with_classes(data, {"cat", "dog", "ant"});
  EXPECT_TRUE(at::equal(relabelled.labels, at::tensor({2, 1}, at::kLong)));
  EXPECT_EQ(relabelled.files, data.files);
  EXPECT_ERROR(with_classes(data, {"cat", "dog"}), ErrorCode::mismatch,
               HasSubstr("not expected: ant (expected cat, dog)"));
}

}  // namespace dataset_name_test
}  // namespace torchkeep
