#include "models/weights.h"

#include <functional>

#include <torchkeep/convert.h>
#include <torchkeep/error.h>
#include <torchkeep/match.h>
#include <torchkeep/models.h>
#include <torchkeep/module.h>
#include <torchkeep/random_state.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

StateDict with_prefix(const StateDict& state_dict, const std::string& prefix) {
  StateDict prefixed;
  for (const auto& entry : state_dict) prefixed.set(prefix + entry.name, entry.tensor);
  return prefixed;
}

TEST(Weights, AreFoundInEveryDialect) {
  const StateDict plain = state_dict(*models::tiny_vgg());
  const StateDict wrapped = with_prefix(plain, "module.");
  for (const Value& value :
       {Value(plain), Value(wrapped), dict({{"epoch", 3}, {"state_dict", wrapped}}),
        dict({{"model_state_dict", plain}, {"loss", 0.5}}), dict({{"model", plain}}),
        dict({{"state_dict", with_prefix(wrapped, "_orig_mod.")}})}) {
    const auto found = find_state_dict(value);
    ASSERT_TRUE(found.has_value());
    ASSERT_EQ(found->size(), plain.size());
    EXPECT_TRUE(equal((*found)["classifier.2.bias"], plain["classifier.2.bias"]));
  }
}

TEST(Weights, AreNotFoundWhereThereAreNone) {
  EXPECT_FALSE(find_state_dict(3).has_value());
  EXPECT_FALSE(find_state_dict(dict({{"epoch", 3}})).has_value());
  EXPECT_FALSE(find_state_dict(dict({{"state_dict", 3}})).has_value());
}

TEST(Weights, OfAFileAreLoadedAndTheRandomStateIsLeftAlone) {
  const testing::TemporaryDirectory directory;
  const StateDict weights = state_dict(*models::tiny_vgg({.num_classes = 4}));
  save(with_prefix(weights, "module."), directory / "weights.pt");
  const Tensor before = random_state();
  const Model model =
      models::tiny_vgg({.weights = (directory / "weights.pt").string(), .num_classes = 4});
  EXPECT_TRUE(equal(random_state(), before));
  for (const auto& entry : state_dict(*model)) {
    EXPECT_TRUE(equal(entry.tensor, weights[entry.name])) << entry.name;
  }
}

TEST(Weights, OfAnotherFormAreRefusedWithAReport) {
  const testing::TemporaryDirectory directory;
  const auto path = directory / "weights.pt";
  save(state_dict(*models::tiny_vgg({.num_classes = 4})), path);
  EXPECT_ERROR(models::tiny_vgg({.weights = path.string(), .num_classes = 5}), ErrorCode::mismatch,
               AllOf(HasSubstr(path.string()), HasSubstr("classifier.2.weight")));
}

TEST(Weights, TellTheNumberOfClasses) {
  const testing::TemporaryDirectory directory;
  const auto path = directory / "weights.pt";
  save(dict({{"net", with_prefix(state_dict(*models::tiny_vgg({.num_classes = 4})), "model.")}}),
       path);
  EXPECT_EQ(models::tiny_vgg({.weights = path.string()}).configuration()["num_classes"].as_int(),
            4);
}

TEST(Weights, AreAdaptedToOtherNumbersOfChannels) {
  const testing::TemporaryDirectory directory;
  const auto path = directory / "weights.pt";
  const StateDict three = state_dict(*models::resnet20());
  save(three, path);
  const at::Tensor before = to_torch(three["conv1.weight"]);
  const auto first = [&](std::int64_t channels) {
    const Model model = models::resnet20({.weights = path.string(), .in_channels = channels});
    return to_torch(state_dict(*model)["conv1.weight"]).clone();
  };
  EXPECT_TRUE(first(1).allclose(before.sum(1, true)));
  const at::Tensor four = first(4);
  EXPECT_TRUE(four.select(1, 3).allclose(before.select(1, 0) * 0.75));
  EXPECT_TRUE(four.select(1, 2).allclose(before.select(1, 2) * 0.75));
  EXPECT_TRUE(first(3).equal(before));
}

TEST(Weights, OfOldDenseNetsAreLoaded) {
  const testing::TemporaryDirectory directory;
  const auto path = directory / "weights.pt";
  const StateDict today = state_dict(*models::densenet121({.num_classes = 2}));
  StateDict old;
  for (const auto& entry : today) {
    if (entry.name.ends_with("num_batches_tracked")) continue;
    std::string name = entry.name;
    for (const std::string part : {"norm1", "norm2", "conv1", "conv2"}) {
      const std::size_t place = name.find("." + part + ".");
      if (place != name.npos) name.insert(place + 5, ".");
    }
    old.set(name, entry.tensor);
  }
  ASSERT_TRUE(old.contains("features.denseblock1.denselayer1.norm.1.weight"));
  save(old, path);
  const StateDict loaded = state_dict(*models::densenet121({.weights = path.string()}));
  for (const auto& entry : loaded) {
    EXPECT_TRUE(equal(entry.tensor, today[entry.name])) << entry.name;
  }
}

TEST(Weights, LeaveOutAuxiliaryClassifiersThatTheModelLacks) {
  const testing::TemporaryDirectory directory;
  const auto path = directory / "weights.pt";
  save(state_dict(*models::googlenet({.num_classes = 2})), path);
  const Model model = models::googlenet({.weights = path.string(), .aux_logits = false});
  EXPECT_EQ(model.configuration()["num_classes"].as_int(), 2);
  EXPECT_ERROR(models::googlenet({.weights = path.string(), .num_classes = 3}), ErrorCode::mismatch,
               HasSubstr("fc.weight"));
}

TEST(Weights, OfAFileWithoutAStateDictAreRefused) {
  const testing::TemporaryDirectory directory;
  const auto path = directory / "weights.pt";
  save(dict({{"epoch", 3}}), path);
  EXPECT_ERROR(models::tiny_vgg({.weights = path.string()}), ErrorCode::mismatch,
               HasSubstr(path.string()));
  EXPECT_ERROR(models::tiny_vgg({.weights = (directory / "none.pt").string()}),
               ErrorCode::not_found, HasSubstr("none.pt"));
}

}  // namespace
}  // namespace torchkeep
