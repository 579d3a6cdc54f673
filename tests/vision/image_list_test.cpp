#include <torchkeep/dataset.h>

#include <ATen/Functions.h>
#include <gmock/gmock.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"

namespace torchkeep {
namespace image_list_test {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ImageList : public ::testing::Test {
 protected:
  Dataset load(const std::string& text) const {
    testing::write_content(directory_ / "list.csv", text);
    return load_image_list(directory_ / "list.csv");
  }
  testing::TemporaryDirectory directory_;
};

TEST_F(ImageList, NamesOfClassesAreSorted) {
  const Dataset dataset = load("path,label\nx/2.jpg,dog\r\n\n\"a, \"\"b\"\".png\",cat\n/3.jpg,dog");
  EXPECT_THAT(dataset.class_names, ElementsAre("cat", "dog"));
  EXPECT_THAT(dataset.files, ElementsAre(directory_ / "x/2.jpg", directory_ / "a, \"b\".png",
                                         std::filesystem::path("/3.jpg")));
  EXPECT_TRUE(at::equal(dataset.labels, at::tensor({1, 0, 1}, at::kLong)));
}

TEST_F(ImageList, NumbersAreTheLabels) {
  const Dataset dataset = load("a.jpg,10\nb.jpg,2\n");
  EXPECT_EQ(dataset.class_names.size(), 11U);
  EXPECT_TRUE(at::equal(dataset.labels, at::tensor({10, 2}, at::kLong)));
  EXPECT_THAT(load("a.jpg,10\nb.jpg,two\n").class_names, ElementsAre("10", "two"));
}

TEST_F(ImageList, WhatIsNoListNamesTheLine) {
  EXPECT_ERROR(load("a.jpg,0\nb.jpg\n"), ErrorCode::corrupt,
               AllOf(HasSubstr("list.csv"), HasSubstr("line 2")));
  EXPECT_ERROR(load("\"a.jpg,0\n"), ErrorCode::corrupt, HasSubstr("quotation mark"));
  EXPECT_ERROR(load("a.jpg,0,more\n"), ErrorCode::corrupt, HasSubstr("path,label"));
  EXPECT_ERROR(load(",0\n"), ErrorCode::corrupt, HasSubstr("path,label"));
  EXPECT_ERROR(load("path,label\n"), ErrorCode::corrupt, HasSubstr("no images"));
  EXPECT_ERROR(load_image_list(directory_ / "none.csv"), ErrorCode::not_found,
               HasSubstr("none.csv"));
}

}  // namespace image_list_test
}  // namespace torchkeep
