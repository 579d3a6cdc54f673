// The samples of docs/images.md, as a user would write them.
#include <filesystem>

#include <torchkeep/torchkeep.h>

#include <gtest/gtest.h>

#include "support/temporary_directory.h"
#include "vision/image_files.h"

namespace tk = torchkeep;

namespace {

TEST(ImageSamples, BatchesOfAFolder) {
  const auto before = std::filesystem::current_path();
  const tk::testing::TemporaryDirectory directory;
  std::filesystem::current_path(directory.path());
  for (const char* name : {"cat/1", "cat/2", "dog/1"}) {
    tk::testing::write_jpeg(std::string("photos/train/") + name + ".jpg",
                            tk::testing::busy_image(300, 260));
  }

  auto data = tk::load_image_folder("photos/train");
  auto preset = tk::published_weights("resnet18", "DEFAULT").preprocessing;
  tk::BatchSource batches(data, {.batch_size = 32,
                                 .order = tk::BatchOptions::Order::shuffled,
                                 .seed = 1,
                                 .preprocessing = preset,
                                 .augmentation = tk::parse_augmentation("crop,flip")});
  for (tk::Batch batch; batches.next(batch);) {
    EXPECT_EQ(batch.images.sizes(), (at::IntArrayRef{3, 3, 224, 224}));
  }
  std::filesystem::current_path(before);
}

}  // namespace
