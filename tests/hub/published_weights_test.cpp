// The rows are compared with torchvision's in tests/interop/hub_test.py.
#include <cmath>
#include <set>

#include <torchkeep/error.h>
#include <torchkeep/hub.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/checksum.h"
#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(PublishedWeights, AreFoundByTheirNames) {
  const PublishedWeights& vgg16 = published_weights("vgg16", "IMAGENET1K_V1");
  EXPECT_EQ(vgg16.file, "vgg16-397923af.pth");
  EXPECT_EQ(vgg16.preprocessing.resize, 256);
  EXPECT_EQ(find_published_weights("vgg16", "DEFAULT"), &vgg16);
  EXPECT_EQ(find_published_weights("vgg16", "VGG16_Weights.DEFAULT"), &vgg16);
  EXPECT_EQ(find_published_weights("vgg16", "vgg16-397923af.pth"), &vgg16);
  EXPECT_EQ(find_published_weights("vgg19", "vgg16-397923af.pth"), nullptr);
  EXPECT_EQ(published_weights("vgg16").size(), 2U);
  EXPECT_TRUE(std::isnan(published_weights("vgg16", "IMAGENET1K_FEATURES").top1));
}

TEST(PublishedWeights, HaveADefaultForEachArchitecture) {
  std::set<std::string_view> architectures;
  std::set<std::string_view> defaults;
  for (const PublishedWeights& row : published_weights()) {
    architectures.insert(row.architecture);
    if (!row.is_default) continue;
    EXPECT_TRUE(defaults.insert(row.architecture).second) << row.architecture;
  }
  EXPECT_EQ(architectures, defaults);
}

TEST(PublishedWeights, HaveTheirHashInTheNameOfTheFile) {
  EXPECT_EQ(published_weights("vgg16", "DEFAULT").sha256_prefix(), "397923af");
  EXPECT_EQ(published_weights("vgg16", "IMAGENET1K_FEATURES").sha256_prefix(), "88682ab5");
  EXPECT_EQ(published_weights("mnasnet0_5", "DEFAULT").sha256_prefix(), "3ffadce67e");
  for (const PublishedWeights& row : published_weights()) {
    EXPECT_GE(row.sha256_prefix().size(), 8U) << row.file;
  }
}

TEST(PublishedWeights, SayWhatThereIs) {
  EXPECT_ERROR(published_weights("vgg16", "IMAGENET1K_V3"), ErrorCode::not_found,
               AllOf(HasSubstr("no weights IMAGENET1K_V3 are published for vgg16"),
                     HasSubstr("(there are DEFAULT, IMAGENET1K_V1, IMAGENET1K_FEATURES)")));
  EXPECT_ERROR(published_weights("vgg_16", "DEFAULT"), ErrorCode::not_found,
               HasSubstr("did you mean 'vgg16'?"));
}

TEST(PublishedWeights, TellTheClassesOfImageNet) {
  const std::vector<std::string>& classes = imagenet_classes();
  ASSERT_EQ(classes.size(), 1000U);
  EXPECT_EQ(classes.front(), "tench");
  EXPECT_EQ(classes.back(), "toilet tissue");
  std::string text = classes.front();
  for (std::size_t i = 1; i < classes.size(); ++i) text += "\n" + classes[i];
  io::Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  EXPECT_EQ(hash.hex_digest(), "0b0f9fee7c952f257418d62aa701f023a9da13b443a14f5c4291e5724d92967c");
}

}  // namespace
}  // namespace torchkeep
