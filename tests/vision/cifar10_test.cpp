#include <torchkeep/dataset.h>

#include <gmock/gmock.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"

namespace torchkeep {
namespace cifar10_test {

using ::testing::HasSubstr;

// Red begins with `value`, green and blue are 1 and 2.
std::string record(char label, char value) {
  return std::string(1, label) + value + std::string(1023, '\0') + std::string(1024, '\1') +
         std::string(1024, '\2');
}

TEST(Cifar10, ReadsBothSplits) {
  const testing::TemporaryDirectory directory;
  const auto folder = directory / "cifar-10-batches-bin";
  std::filesystem::create_directory(folder);
  for (const char number : {'1', '2', '3', '4', '5'}) {
    testing::write_content(folder / (std::string("data_batch_") + number + ".bin"),
                           record(3, number) + record(9, number));
  }
  testing::write_content(folder / "test_batch.bin", record(0, 'x'));
  const Dataset train = load_cifar10(directory.path(), Split::train);
  EXPECT_EQ(train.images.sizes(), (at::IntArrayRef{10, 3, 32, 32}));
  EXPECT_EQ(train.images[9][0][0][0].item<int>(), '5');
  EXPECT_EQ(train.images[9][2][31][31].item<int>(), 2);
  EXPECT_EQ(train.labels[9].item<int>(), 9);
  EXPECT_EQ(train.class_names[3], "cat");
  EXPECT_EQ(load_cifar10(folder, Split::test).size(), 1);
}

TEST(Cifar10, DamagedFilesAreNamed) {
  const testing::TemporaryDirectory directory;
  EXPECT_ERROR(load_cifar10(directory.path(), Split::test), ErrorCode::not_found,
               HasSubstr("test_batch.bin"));
  testing::write_content(directory / "test_batch.bin", record(0, 'x') + "y");
  EXPECT_ERROR(load_cifar10(directory.path(), Split::test), ErrorCode::corrupt,
               HasSubstr("multiple of 3073"));
  testing::write_content(directory / "test_batch.bin", record(10, 'x'));
  EXPECT_ERROR(load_cifar10(directory.path(), Split::test), ErrorCode::corrupt,
               HasSubstr("label 10"));
}

}  // namespace cifar10_test
}  // namespace torchkeep
