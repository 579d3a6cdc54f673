#include <cmath>
#include <limits>

#include <torchkeep/cast.h>
#include <torchkeep/diff.h>
#include <torchkeep/save.h>
#include <torchkeep/state_dict.h>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

Tensor floats(std::initializer_list<float> values) {
  return Tensor::of(values, {static_cast<std::int64_t>(values.size())});
}

Diff diff_of(const Tensor& a, const Tensor& b, const DiffOptions& options = {}) {
  return diff_values(dict({{"t", a}}), dict({{"t", b}}), options);
}

ElementDiff elements_of(const Tensor& a, const Tensor& b, const DiffOptions& options = {}) {
  const Diff diff = diff_of(a, b, options);
  EXPECT_EQ(diff.tensors.size(), 1U);
  return diff.tensors.at(0).elements.value();
}

TEST(Diff, FindsNothingInEqualValues) {
  const Value value = dict({{"w", floats({1, kNan, -0.0F})}, {"epoch", 3}, {"empty", floats({})}});
  const Diff diff = diff_values(value, value);
  EXPECT_TRUE(diff.same());
  EXPECT_EQ(diff.identical_tensors, 2);
  EXPECT_EQ(diff.identical_bytes, 12U);
  EXPECT_EQ(diff.identical_values, 1);
}

TEST(Diff, MeasuresHowFarNumbersAreApart) {
  const ElementDiff elements = elements_of(floats({3, 4, 0, 1}), floats({3, 4, 2, 1}));
  EXPECT_EQ(elements.elements, 4);
  EXPECT_EQ(elements.bit_equal, 3);
  EXPECT_EQ(elements.different, 1);
  EXPECT_EQ(elements.first, (Shape{2}));
  EXPECT_EQ(elements.numbers->max_abs, 2);
  EXPECT_DOUBLE_EQ(elements.numbers->relative_l2, 2 / std::sqrt(30.0));
  EXPECT_DOUBLE_EQ(elements.numbers->cosine.value(), 26 / std::sqrt(26.0 * 30.0));
  EXPECT_EQ(elements.numbers->first_a, 0);
  EXPECT_EQ(elements.numbers->first_b, 2);
}

TEST(Diff, NamesTheFirstDifferentElementByItsIndex) {
  std::vector<float> values(600'000, 1);
  const Shape shape = {3, 200'000};
  const Tensor a = Tensor::of(std::span<const float>(values), shape);
  values[450'001] = 2;
  values[599'999] = 5;
  const ElementDiff elements = elements_of(a, Tensor::of(std::span<const float>(values), shape));
  EXPECT_EQ(elements.first, (Shape{2, 50'001}));
  EXPECT_EQ(elements.different, 2);
  EXPECT_EQ(elements.numbers->max_abs, 4);
}

TEST(Diff, DoesNotDependOnTheNumberOfThreads) {
  std::vector<float> values(900'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1.0F / static_cast<float>(i + 1);
  const Shape shape = {900'000};
  const Tensor a = Tensor::of(std::span<const float>(values), shape);
  for (float& value : values) value *= 1.0001F;
  const Tensor b = Tensor::of(std::span<const float>(values), shape);
  const auto one = elements_of(a, b, {.threads = 1}).numbers.value();
  const auto four = elements_of(a, b, {.threads = 4}).numbers.value();
  EXPECT_EQ(one.relative_l2, four.relative_l2);
  EXPECT_EQ(one.cosine, four.cosine);
}

TEST(Diff, ComparesBitsUnlessThereIsATolerance) {
  const Tensor zero = floats({0, 1});
  const Tensor negative_zero = floats({-0.0F, 1});
  EXPECT_FALSE(diff_of(zero, negative_zero).same());
  EXPECT_EQ(elements_of(zero, negative_zero).numbers->max_abs, 0);
  EXPECT_TRUE(diff_of(zero, negative_zero, {.atol = 1e-9}).same());
}

TEST(Diff, AllowsATolerance) {
  const Tensor a = floats({100, 0.5F});
  const Tensor b = floats({101, 0.5F});
  EXPECT_TRUE(diff_of(a, b, {.rtol = 0.01}).same());
  EXPECT_FALSE(diff_of(a, b, {.rtol = 0.009}).same());
  EXPECT_TRUE(diff_of(a, b, {.atol = 1}).same());
  EXPECT_FALSE(diff_of(a, b, {.atol = 0.99}).same());
  EXPECT_ERROR(diff_of(a, b, {.rtol = -1}), ErrorCode::invalid_argument, HasSubstr("-1"));
}

TEST(Diff, TakesNansForTheSameAndLeavesThemOutOfTheSums) {
  const ElementDiff same = elements_of(floats({kNan, 1}), floats({kNan, 2}));
  EXPECT_EQ(same.bit_equal, 1);
  EXPECT_EQ(same.different, 1);
  EXPECT_EQ(same.numbers->nan_a, 1);
  EXPECT_EQ(same.numbers->nan_b, 1);
  EXPECT_EQ(same.numbers->max_abs, 1);
  EXPECT_EQ(same.numbers->relative_l2, 0.5);
  const ElementDiff other = elements_of(floats({kNan, 1}), floats({7, 1}), {.atol = 100});
  EXPECT_EQ(other.different, 1);
  EXPECT_EQ(other.numbers->nan_a, 1);
  EXPECT_EQ(other.numbers->nan_b, 0);
  EXPECT_EQ(other.numbers->max_abs, 0);
}

TEST(Diff, ComparesInfinities) {
  EXPECT_TRUE(diff_of(floats({kInfinity, 1}), floats({kInfinity, 2}), {.atol = 1}).same());
  for (const float other : {1.0F, -kInfinity}) {
    const ElementDiff elements =
        elements_of(floats({other, 1}), floats({kInfinity, 1}), {.rtol = 1});
    EXPECT_EQ(elements.different, 1);
    EXPECT_EQ(elements.numbers->max_abs, kInfinity);
    EXPECT_EQ(elements.numbers->relative_l2, 0);
  }
}

TEST(Diff, HasNoCosineAndNoRelativeErrorOfZeros) {
  const ElementDiff elements = elements_of(floats({1, 0}), floats({0, 0}));
  EXPECT_EQ(elements.numbers->cosine, std::nullopt);
  EXPECT_EQ(elements.numbers->relative_l2, kInfinity);
}

TEST(Diff, TellsLargeIntegersApart) {
  const std::int64_t large = (std::int64_t{1} << 53);
  const Tensor a = Tensor::of<std::int64_t>({large, -5}, {2});
  const Tensor b = Tensor::of<std::int64_t>({large + 1, -5}, {2});
  EXPECT_EQ(elements_of(a, b).numbers->max_abs, 1);
  const Tensor lowest = Tensor::scalar(std::numeric_limits<std::int64_t>::min());
  const Tensor highest = Tensor::scalar(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(elements_of(lowest, highest).numbers->max_abs, 18446744073709551615.0);
}

TEST(Diff, ComparesComplexNumbersByTheModulus) {
  const Tensor a(floats({0, 0, 1, 1}).storage(), DType::complex64, {2});
  const Tensor b(floats({3, 4, 1, 1}).storage(), DType::complex64, {2});
  const ElementDiff elements = elements_of(a, b);
  EXPECT_EQ(elements.elements, 2);
  EXPECT_EQ(elements.different, 1);
  EXPECT_EQ(elements.numbers->max_abs, 5);
  EXPECT_DOUBLE_EQ(elements.numbers->relative_l2, 5 / std::sqrt(27.0));
}

TEST(Diff, ComparesViewsByTheirElements) {
  const Tensor base = Tensor::of<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor transposed(base.storage(), DType::float32, {3, 2}, {1, 3});
  EXPECT_TRUE(diff_of(transposed, Tensor::of<float>({1, 4, 2, 5, 3, 6}, {3, 2})).same());
  EXPECT_EQ(elements_of(transposed, Tensor::of<float>({1, 4, 2, 9, 3, 6}, {3, 2})).first,
            (Shape{1, 1}));
}

TEST(Diff, ComparesNumbersOfOtherTypes) {
  const Tensor a = floats({1, 2.0009765625F});
  const Tensor half = cast(a, DType::float16);
  const Diff diff = diff_of(a, half);
  EXPECT_FALSE(diff.same());
  EXPECT_EQ(diff.tensors.at(0).elements->bit_equal, 1);
  EXPECT_FALSE(diff_of(a, half, {.dtypes = DiffOptions::DTypes::ignore}).same());
  EXPECT_TRUE(diff_of(a, half, {.rtol = 1e-3, .dtypes = DiffOptions::DTypes::ignore}).same());
  EXPECT_FALSE(diff_of(a, half, {.rtol = 1e-3}).same());
}

TEST(Diff, ComparesTypesWithoutNumbersByTheirBits) {
  const Tensor a(Tensor::of<std::uint8_t>({1, 2}, {2}).storage(), DType::bits8, {2});
  const Tensor b(Tensor::of<std::uint8_t>({1, 3}, {2}).storage(), DType::bits8, {2});
  const ElementDiff elements = elements_of(a, b, {.atol = 10});
  EXPECT_EQ(elements.different, 1);
  EXPECT_EQ(elements.first, (Shape{1}));
  EXPECT_EQ(elements.numbers, std::nullopt);
}

TEST(Diff, SeesAnotherScaleOfQuantisedTensors) {
  Quantizer quantizer;
  Tensor a(Tensor::of<std::int8_t>({1, 2}, {2}).storage(), DType::qint8, {2});
  Tensor b = a;
  a.set_quantizer(std::make_shared<Quantizer>(quantizer));
  quantizer.scale = 0.25;
  b.set_quantizer(std::make_shared<Quantizer>(quantizer));
  const Diff diff = diff_of(a, b);
  EXPECT_FALSE(diff.same());
  EXPECT_TRUE(diff.tensors.at(0).quantizer_differs);
  EXPECT_THAT(to_string(diff), HasSubstr("another scale"));
}

TEST(Diff, TellsOtherShapesAndMissingNames) {
  const Diff diff = diff_values(dict({{"a", floats({1})}, {"w", floats({1, 2})}, {"x", 1}}),
                                dict({{"w", floats({1})}, {"b", floats({2, 3})}, {"y", 1}}));
  EXPECT_EQ(diff.tensors_only_a.at(0).name, "a");
  EXPECT_EQ(diff.tensors_only_b.at(0).name, "b");
  EXPECT_THAT(diff.values_only_a, ElementsAre("x"));
  EXPECT_THAT(diff.values_only_b, ElementsAre("y"));
  EXPECT_FALSE(diff.tensors.at(0).same);
  EXPECT_EQ(diff.tensors.at(0).elements, std::nullopt);
  EXPECT_THAT(to_string(diff), HasSubstr("w       float32 [2]  float32 [1]"));
}

TEST(Diff, ComparesOtherValues) {
  const Value a = dict({{"loss", 0.5}, {"name", "x"}, {"nan", std::nan("")}, {"t", floats({1})}});
  const Value b = dict({{"loss", 0.6}, {"name", "y"}, {"nan", std::nan("")}, {"t", 1}});
  EXPECT_EQ(diff_values(a, b).values.size(), 3U);
  EXPECT_EQ(diff_values(a, b, {.atol = 0.2}).values.size(), 2U);
  EXPECT_THAT(to_string(diff_values(a, b)), HasSubstr("loss   0.5                  0.6"));
}

TEST(Diff, ComparesOnlyAPart) {
  const Value a = dict({{"epoch", 1}, {"model", dict({{"w", floats({1})}})}});
  const Value b = dict({{"w", floats({1})}});
  EXPECT_TRUE(diff_values(a, b, {.key_a = "model"}).same());
  EXPECT_ERROR(diff_values(a, b, {.key_a = "modle"}), ErrorCode::not_found,
               HasSubstr("did you mean 'model'?"));
}

TEST(Diff, ReadsNoElementsWhereValuesAreIgnored) {
  const DiffOptions options{.values = DiffOptions::Values::ignore};
  EXPECT_TRUE(diff_of(floats({1}), floats({2}), options).same());
  EXPECT_FALSE(diff_of(floats({1}), floats({2, 3}), options).same());
}

TEST(Diff, FindsRenamedTensorsByTheirContent) {
  const Diff diff = diff_values(
      dict({{"net.w", floats({1, 2})}, {"net.b", floats({3, 4})}, {"gone", floats({5, 6})}}),
      dict({{"w", floats({1, 2})}, {"b", floats({3, 4})}, {"new", floats({5, 7})}}));
  ASSERT_EQ(diff.renamed.size(), 2U);
  EXPECT_EQ(diff.renamed[0].a, "net.w");
  EXPECT_EQ(diff.renamed[0].b, "w");
  EXPECT_FALSE(diff.renamed[0].is_ambiguous);
  EXPECT_EQ(diff.tensors_only_a.at(0).name, "gone");
  EXPECT_EQ(diff.tensors_only_b.at(0).name, "new");
  EXPECT_FALSE(diff.same());
  EXPECT_THAT(to_string(diff), HasSubstr("net.*  *  2 tensors"));
}

TEST(Diff, PairsEqualTensorsByTheEndOfTheirNames) {
  const Diff diff = diff_values(dict({{"old.1.bias", floats({0})}, {"old.2.bias", floats({0})}}),
                                dict({{"new.2.bias", floats({0})}, {"new.1.bias", floats({0})}}));
  ASSERT_EQ(diff.renamed.size(), 2U);
  EXPECT_EQ(diff.renamed[0].b, "new.1.bias");
  EXPECT_EQ(diff.renamed[1].b, "new.2.bias");
  EXPECT_TRUE(diff.renamed[0].is_ambiguous);
}

// A checkpoint as Python writes it: two parameters, of which the first is frozen.
Value checkpoint(float weight, float moment, int step) {
  StateDict model;
  model.set("features.weight", floats({1, 2}));
  model.set("features.running_mean", floats({1}));
  model.set("fc.weight", floats({weight}));
  model.set_metadata(ordered_dict({{"features", dict({{"frozen", list({"weight"})}})}}));
  Dict state;
  state.set(0, dict({{"step", 1}, {"exp_avg", floats({1, 1})}}));
  state.set(1, dict({{"step", step}, {"exp_avg", floats({moment})}}));
  return dict({{"epoch", 1},
               {"model_state_dict", model},
               {"optimizer_state_dict",
                dict({{"state", std::move(state)},
                      {"param_groups", list({dict({{"lr", 0.1}, {"params", list({0, 1})}})})}})},
               {"scheduler_state_dict", dict({{"last_epoch", step}})},
               {"rng_state", Tensor::of<std::uint8_t>({static_cast<std::uint8_t>(step)}, {1})}});
}

TEST(DiffTraining, SaysThatNothingDiffers) {
  const Diff diff = diff_values(checkpoint(1, 1, 1), checkpoint(1, 1, 1));
  ASSERT_EQ(diff.training.size(), 3U);
  for (const TrainingDiff& training : diff.training) {
    EXPECT_TRUE(training.same);
    EXPECT_THAT(training.details, IsEmpty());
  }
  EXPECT_EQ(diff.training[0].summary, "the same for 2 parameters");
}

TEST(DiffTraining, NamesTheParametersWhoseStateDiffers) {
  const Diff diff = diff_values(checkpoint(1, 1, 1), checkpoint(1, 3, 2));
  ASSERT_EQ(diff.training.size(), 3U);
  EXPECT_EQ(diff.training[0].name, "optimizer_state_dict");
  EXPECT_EQ(diff.training[0].summary, "the state of 1 of 2 parameters differs");
  EXPECT_THAT(diff.training[0].details, ElementsAre("fc.weight: exp_avg 1 -> 3, step 1 -> 2"));
  EXPECT_THAT(diff.training[1].details, ElementsAre("last_epoch: 1 -> 2"));
  EXPECT_EQ(diff.training[2].summary, "differs: other random numbers will follow");
  EXPECT_THAT(to_string(diff), Not(HasSubstr("optimizer_state_dict.state")));
}

TEST(DiffTraining, NumbersParametersThatItCannotName) {
  const auto optimizer = [](float moment) {
    Dict state;
    state.set(7, dict({{"exp_avg", floats({moment})}}));
    return dict(
        {{"state", std::move(state)}, {"param_groups", list({dict({{"params", list({7})}})})}});
  };
  const Diff diff = diff_values(optimizer(1), optimizer(2));
  EXPECT_THAT(diff.training.at(0).details, ElementsAre("parameter 7: exp_avg 1 -> 2"));
}

TEST(DiffTraining, TakesTheNamesOfTheGroups) {
  const auto optimizer = [](double lr, float moment) {
    Dict state;
    state.set(0, dict({{"exp_avg", floats({moment})}}));
    return dict({{"optimizer",
                  dict({{"state", std::move(state)},
                        {"param_groups", list({dict({{"lr", lr},
                                                     {"params", list({0})},
                                                     {"param_names", list({"conv.bias"})}})})}})}});
  };
  const Diff diff = diff_values(optimizer(0.1, 1), optimizer(0.2, 2));
  EXPECT_THAT(diff.training.at(0).details,
              ElementsAre("param_groups.0.lr: 0.1 -> 0.2", "conv.bias: exp_avg 1 -> 2"));
  EXPECT_EQ(diff.training.at(0).summary,
            "the state of 1 of 1 parameter differs, and 1 other value");
}

TEST(DiffTraining, SaysWhatOnlyOneSideHas) {
  const Diff diff = diff_values(checkpoint(1, 1, 1), dict({{"epoch", 1}}));
  EXPECT_EQ(diff.training.at(0).summary, "only in A");
  EXPECT_FALSE(diff.training.at(0).same);
}

TEST(DiffFrozen, SaysThatFrozenLayersAreUntouched) {
  const Diff diff = diff_values(checkpoint(1, 1, 1), checkpoint(2, 3, 2));
  ASSERT_TRUE(diff.frozen);
  EXPECT_THAT(diff.frozen->names, ElementsAre("model_state_dict.features.weight"));
  EXPECT_THAT(diff.frozen->changed, IsEmpty());
  EXPECT_THAT(to_string(diff), HasSubstr("frozen: untouched (1 parameter)"));
}

TEST(DiffFrozen, NamesWhatMovedAlthoughItIsFrozen) {
  Value moved = checkpoint(1, 1, 1);
  StateDict model = moved["model_state_dict"].as_state_dict();
  model.set("features.weight", floats({1, 2.5F}));
  model.set("features.running_mean", floats({7}));
  moved.as_dict().set("model_state_dict", model);
  const Diff diff = diff_values(checkpoint(1, 1, 1), moved, {.atol = 10});
  EXPECT_TRUE(diff.same());
  EXPECT_THAT(diff.frozen->changed, ElementsAre("model_state_dict.features.weight",
                                                "model_state_dict.features.running_mean"));
}

TEST(DiffFrozen, TakesTheFreezePlanOfACheckpoint) {
  const auto with_plan = [](float weight) {
    return dict({{"model_state_dict", dict({{"a", floats({weight})}})},
                 {"freeze_plan", dict({{"frozen", list({"a"})}})}});
  };
  EXPECT_THAT(diff_values(with_plan(1), with_plan(2)).frozen->changed,
              ElementsAre("model_state_dict.a"));
  EXPECT_FALSE(diff_values(dict({{"a", 1}}), dict({{"a", 1}})).frozen);
}

TEST(DiffFiles, AreComparedAcrossNames) {
  const testing::TemporaryDirectory directory;
  save(dict({{"w", floats({1})}}), directory / "a.pt");
  save(dict({{"w", floats({2})}}), directory / "b.pt");
  const Diff result = diff(directory / "a.pt", directory / "b.pt");
  EXPECT_FALSE(result.same());
  EXPECT_EQ(result.path_a, directory / "a.pt");
  EXPECT_ERROR(diff(directory / "a.pt", directory / "b.pt", {.key_b = "v"}), ErrorCode::not_found,
               HasSubstr("b.pt: has nothing named 'v'"));
  EXPECT_ERROR(diff(directory / "a.pt", directory / "c.pt"), ErrorCode::not_found,
               HasSubstr("c.pt"));
}

TEST(DiffJson, HoldsEveryField) {
  const Diff diff = diff_values(dict({{"w", floats({1, 2})}, {"n", 1}, {"t", floats({1})}}),
                                dict({{"w", floats({1, 4})}, {"n", 2}, {"t", "text"}}));
  const nlohmann::json json = nlohmann::json::parse(to_json(diff));
  EXPECT_EQ(json["same"], false);
  const nlohmann::json& tensor = json["tensors"][0];
  EXPECT_EQ(tensor["name"], "w");
  EXPECT_EQ(tensor["first"], nlohmann::json::array({1}));
  EXPECT_EQ(tensor["max_abs"], 2.0);
  EXPECT_EQ(tensor["bit_equal"], 1);
  EXPECT_EQ(tensor["first_b"], 4.0);
  EXPECT_EQ(json["values"][0], nlohmann::json({{"name", "n"}, {"a", 1}, {"b", 2}}));
  EXPECT_EQ(json["values"][1]["a"]["class"], "tensor");
  EXPECT_EQ(json["frozen"], nullptr);
  for (const char* key : {"path_a", "path_b", "identical_tensors", "identical_bytes",
                          "identical_values", "tensors_only_a", "tensors_only_b", "renamed",
                          "values_only_a", "values_only_b", "training"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
}

TEST(DiffText, SendsNoControlCharactersToTheTerminal) {
  const Diff diff = diff_values(dict({{"a\x1b[31m", floats({1})}, {"v", "x\x1b[2J"}}),
                                dict({{"a\x1b[31m", floats({2})}, {"v", 1}, {"\x07", 1}}));
  EXPECT_THAT(to_string(diff), Not(HasSubstr("\x1b")));
  EXPECT_THAT(to_string(diff), Not(HasSubstr("\x07")));
}

TEST(DiffText, ShowsManyRowsInPart) {
  Dict a;
  Dict b;
  for (int i = 0; i < 250; ++i) {
    a.set("t" + std::to_string(i), floats({1}));
    b.set("t" + std::to_string(i), floats({2}));
  }
  EXPECT_THAT(to_string(diff_values(a, b)), HasSubstr("... and 150 more"));
}

}  // namespace
}  // namespace torchkeep
