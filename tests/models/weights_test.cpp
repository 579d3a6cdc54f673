#include "models/weights.h"

#include <functional>

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
