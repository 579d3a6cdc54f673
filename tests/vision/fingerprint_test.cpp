#include <torchkeep/dataset.h>

#include <ATen/Functions.h>
#include <gmock/gmock.h>

#include "support/temporary_directory.h"
#include "support/test_file.h"

namespace torchkeep {
namespace fingerprint_test {

Dataset in_memory() {
  return {.images = at::zeros({2, 1, 2, 2}, at::kByte),
          .labels = at::tensor({0, 1}, at::kLong),
          .class_names = {"a", "b"}};
}

Dataset in_files(const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory / "cat");
  testing::write_content(directory / "cat/1.png", "abc");
  return load_image_folder(directory);
}

TEST(Fingerprint, OfImagesInMemoryFollowsEverything) {
  const std::string whole = fingerprint(in_memory());
  EXPECT_EQ(fingerprint(in_memory()), whole);
  Dataset other = in_memory();
  other.images[1].fill_(1);
  EXPECT_NE(fingerprint(other), whole);
  other = in_memory();
  other.labels[1] = 0;
  EXPECT_NE(fingerprint(other), whole);
  other = in_memory();
  other.class_names = {"ab", ""};
  EXPECT_NE(fingerprint(other), whole);
}

TEST(Fingerprint, OfFilesFollowsNamesAndSizesWhereverTheyLie) {
  const testing::TemporaryDirectory directory;
  const std::string whole = fingerprint(in_files(directory / "a"));
  EXPECT_EQ(fingerprint(in_files(directory / "b")), whole);
  testing::write_content(directory / "a/cat/1.png", "abcd");
  EXPECT_NE(fingerprint(load_image_folder(directory / "a")), whole);
  std::filesystem::rename(directory / "b/cat/1.png", directory / "b/cat/2.png");
  EXPECT_NE(fingerprint(load_image_folder(directory / "b")), whole);
}

TEST(Fingerprint, TheDigestOfAnImageFollowsItsContent) {
  const testing::TemporaryDirectory directory;
  EXPECT_EQ(image_digest(in_files(directory.path()), 0),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Dataset memory = in_memory();
  EXPECT_EQ(image_digest(memory, 0), image_digest(memory, 1));
  memory.images[1].fill_(1);
  EXPECT_NE(image_digest(memory, 0), image_digest(memory, 1));
}

}  // namespace fingerprint_test
}  // namespace torchkeep
