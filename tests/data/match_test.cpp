#include <string>
#include <utility>
#include <vector>

#include <torchkeep/match.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace torchkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Form = std::vector<TensorForm>;

TensorForm form(std::string name, Shape shape, DType dtype = DType::float32) {
  return {std::move(name), dtype, std::move(shape)};
}

Tensor zeros(const Shape& shape) {
  std::int64_t numel = 1;
  for (const std::int64_t size : shape) numel *= size;
  return Tensor::of<float>(std::vector<float>(static_cast<std::size_t>(numel)), shape);
}

StateDict state_dict_of(const Form& forms) {
  StateDict state_dict;
  for (const TensorForm& each : forms) state_dict.set(each.name, zeros(each.shape));
  return state_dict;
}

// A convolution with its batch norm, then a block, then a classifier with `classes` outputs.
Form small_net(const std::string& prefix = "", std::int64_t classes = 10) {
  return {form(prefix + "stem.conv.weight", {4, 3, 3, 3}),
          form(prefix + "stem.norm.weight", {4}),
          form(prefix + "stem.norm.bias", {4}),
          form(prefix + "layer1.0.conv.weight", {8, 4, 3, 3}),
          form(prefix + "layer1.1.conv.weight", {16, 8, 3, 3}),
          form(prefix + "fc.weight", {classes, 16}),
          form(prefix + "fc.bias", {classes})};
}

// The form with another beginning for the names that start with `from`.
Form with_prefix(Form forms, const std::string& from, const std::string& to) {
  for (TensorForm& each : forms) {
    if (each.name.starts_with(from)) each.name = to + each.name.substr(from.size());
  }
  return forms;
}

std::vector<std::string> suggestions(const Form& expected, const Form& found) {
  return match(expected, state_dict_of(found)).suggestions;
}

TEST(Match, AllKeysFit) {
  const LoadReport report = match(small_net(), state_dict_of(small_net()));
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.loaded_keys.size(), 7u);
  EXPECT_THAT(report.suggestions, IsEmpty());
  EXPECT_EQ(to_string(report), "  all 7 keys fit\n");
}

TEST(Match, ListsEveryDifferenceInOrder) {
  const Form expected = {form("b", {2}), form("a", {2}), form("c", {3}), form("same", {1})};
  const Form found = {form("z", {7}), form("c", {4}), form("same", {1}), form("y", {9})};
  const LoadReport report = match(expected, state_dict_of(found));
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.missing_keys, ElementsAre("b", "a"));
  EXPECT_THAT(report.unexpected_keys, ElementsAre("z", "y"));
  EXPECT_THAT(report.loaded_keys, ElementsAre("same"));
  ASSERT_EQ(report.mismatched_keys.size(), 1u);
  EXPECT_EQ(report.mismatched_keys[0].name, "c");
  EXPECT_EQ(report.mismatched_keys[0].expected.shape, Shape{3});
  EXPECT_EQ(report.mismatched_keys[0].found.shape, Shape{4});
}

TEST(Match, TypesThatLoadingConverts) {
  StateDict found;
  found.set("x", Tensor::of<double>({1.0}, {1}));
  EXPECT_TRUE(match({form("x", {1}, DType::float16)}, found).ok());
  EXPECT_FALSE(match({form("x", {1}, DType::int64)}, found).ok());
  found.set("x", Tensor::of<std::int32_t>({1}, {1}));
  EXPECT_TRUE(match({form("x", {1}, DType::int64)}, found).ok());
  EXPECT_FALSE(match({form("x", {1}, DType::float32)}, found).ok());
}

TEST(Match, AScalarMayBeATensorOfOneElement) {
  EXPECT_TRUE(match({form("count", {})}, state_dict_of({form("count", {1})})).ok());
  EXPECT_FALSE(match({form("count", {1})}, state_dict_of({form("count", {})})).ok());
}

TEST(Match, TheTextHasEveryListAndTheSuggestions) {
  const Form expected = {form("fc.weight", {2, 3}), form("fc.bias", {2}), form("scale", {1})};
  const Form found = {form("fc.weight", {5, 3}), form("fc.bias", {5}), form("extra.mean", {6})};
  EXPECT_EQ(to_string(match(expected, state_dict_of(found))),
            "  missing, in the model but not in the state dict (1):\n"
            "    scale\n"
            "  unexpected, in the state dict but not in the model (1):\n"
            "    extra.mean\n"
            "  of another form (2):\n"
            "    fc.weight (expected float32 [2, 3], got float32 [5, 3])\n"
            "    fc.bias (expected float32 [2], got float32 [5])\n");
}

TEST(Match, TheErrorCarriesTheReport) {
  LoadReport report = match(small_net(), state_dict_of(small_net("module.")));
  const MismatchError error(report, {.path = "model.pt"});
  EXPECT_EQ(error.code(), ErrorCode::mismatch);
  EXPECT_EQ(error.report().missing_keys, report.missing_keys);
  EXPECT_THAT(error.what(), HasSubstr("model.pt: the state dict does not fit the model (7 missing, "
                                      "7 unexpected and 0 mismatched keys, 0 that fit)\n"));
  EXPECT_THAT(error.what(), HasSubstr("    module.fc.bias\n"));
  EXPECT_THAT(error.what(), HasSubstr("what would help:\n    strip the prefix 'module.'"));
}

TEST(MatchSuggestion, StripsAPrefix) {
  EXPECT_THAT(
      suggestions(small_net(), small_net("module.")),
      ElementsAre("strip the prefix 'module.' with without_prefix(\"module.\"): 7 of 7 keys "
                  "would match"));
  EXPECT_THAT(suggestions(small_net(), small_net("model.net.")),
              ElementsAre(HasSubstr("strip the prefix 'model.net.'")));
}

TEST(MatchSuggestion, StripsThePrefixOfOnePartOfTheFile) {
  Form found = small_net("generator.");
  for (int i = 0; i < 20; ++i) found.push_back(form("critic." + std::to_string(i), {i + 20}));
  EXPECT_THAT(suggestions(small_net(), found),
              ElementsAre(HasSubstr("strip the prefix 'generator.' with "
                                    "without_prefix(\"generator.\"): 7 of 7 keys would match")));
}

TEST(MatchSuggestion, OffersEachPrefixThatSuits) {
  Form found = small_net("student.");
  const Form teacher = small_net("teacher.");
  found.insert(found.end(), teacher.begin(), teacher.end());
  EXPECT_THAT(suggestions(small_net(), found),
              ElementsAre(HasSubstr("'student.'"), HasSubstr("'teacher.'")));
}

TEST(MatchSuggestion, AddsAPrefix) {
  EXPECT_THAT(suggestions(small_net("backbone."), small_net()),
              ElementsAre("add the prefix 'backbone.' to the names of the state dict: 7 of 7 keys "
                          "would match"));
}

TEST(MatchSuggestion, AddsAPrefixForAPartOfTheModel) {
  Form expected = small_net("backbone.");
  expected.push_back(form("score.weight", {1, 10}));
  EXPECT_THAT(
      suggestions(expected, small_net()),
      ElementsAre("add the prefix 'backbone.' to the names of the state dict: 7 of 8 keys would "
                  "match"));
}

TEST(MatchSuggestion, ReplacesAPrefix) {
  EXPECT_THAT(suggestions(small_net("net."), small_net("module.model.")),
              ElementsAre("rename 'module.model.' to 'net.' in the state dict: 7 of 7 keys would "
                          "match"));
}

TEST(MatchSuggestion, RenamesABlock) {
  EXPECT_THAT(suggestions(with_prefix(small_net(), "layer1.", "features."), small_net()),
              ElementsAre("rename 'layer1.' to 'features.' in the state dict: 7 of 7 keys would "
                          "match"));
}

TEST(MatchSuggestion, RenamesSeveralBlocks) {
  const Form expected =
      with_prefix(with_prefix(small_net(), "layer1.", "stage1."), "stem.norm.", "stem.bn.");
  const std::vector<std::string> found = suggestions(expected, small_net());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0], HasSubstr("'layer1.' to 'stage1.'"));
  EXPECT_THAT(found[0], HasSubstr("'stem.norm.' to 'stem.bn.'"));
  EXPECT_THAT(found[0], HasSubstr("7 of 7 keys would match"));
}

TEST(MatchSuggestion, StripsAPrefixAndRenamesABlock) {
  const std::vector<std::string> found =
      suggestions(with_prefix(small_net(), "fc.", "head."), small_net("module."));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0], HasSubstr("'module.' to ''"));
  EXPECT_THAT(found[0], HasSubstr("'module.fc.' to 'head.'"));
  EXPECT_THAT(found[0], HasSubstr("7 of 7 keys would match"));
}

// Convolutions of a VGG, with or without the batch norms that shift their numbers.
Form vgg(bool has_norms) {
  Form forms;
  int index = 0;
  std::int64_t inputs = 3;
  for (const std::int64_t outputs : {8, 8, 16, 16}) {
    const std::string conv = "features." + std::to_string(index);
    forms.push_back(form(conv + ".weight", {outputs, inputs, 3, 3}));
    forms.push_back(form(conv + ".bias", {outputs}));
    inputs = outputs;
    if (has_norms) {
      const std::string norm = "features." + std::to_string(index + 1);
      for (const char* name : {".weight", ".bias", ".running_mean"}) {
        forms.push_back(form(norm + name, {outputs}));
      }
    }
    index += has_norms ? 3 : 2;
  }
  return forms;
}

TEST(MatchSuggestion, RenumbersAList) {
  EXPECT_THAT(suggestions(vgg(true), vgg(false)),
              ElementsAre("rename 'features.2.' to 'features.3.', 'features.4.' to 'features.6.', "
                          "'features.6.' to 'features.9.' in the state dict: 8 of 20 keys would "
                          "match"));
}

TEST(MatchSuggestion, NamesOnlyTheFirstOfManyRenames) {
  Form expected;
  Form found;
  for (int i = 0; i < 12; ++i) {
    expected.push_back(form("layers." + std::to_string(2 * i + 1) + ".weight", {i + 1, 2}));
    found.push_back(form("layers." + std::to_string(i) + ".weight", {i + 1, 2}));
  }
  EXPECT_THAT(suggestions(expected, found),
              ElementsAre(HasSubstr("'layers.7.' to 'layers.15.' and 4 more in the state dict: 12 "
                                    "of 12 keys would match")));
}

TEST(MatchSuggestion, ReplacesAHeadOfAnotherSize) {
  EXPECT_THAT(suggestions(small_net("", 10), small_net("", 1000)),
              ElementsAre("the head 'fc' has another size: after replace_head(model, 1000), 7 of 7 "
                          "keys would match; or ignore_mismatched_sizes loads the others and "
                          "leaves the head as it is"));
}

TEST(MatchSuggestion, StripsAPrefixThenReplacesTheHead) {
  EXPECT_THAT(suggestions(small_net("", 10), small_net("module.", 1000)),
              ElementsAre(HasSubstr("strip the prefix 'module.'"),
                          HasSubstr("then the head 'fc' has another size: after "
                                    "replace_head(model, 1000), 7 of 7 keys would match")));
}

TEST(MatchSuggestion, LeavesOutALayerOfAnotherSizeThatIsNoHead) {
  Form expected = small_net();
  expected.insert(expected.begin(), form("words.weight", {50, 4}));
  Form found = expected;
  found[0].shape = {60, 4};
  EXPECT_THAT(suggestions(expected, found),
              ElementsAre("ignore_mismatched_sizes loads the others and leaves 'words' as it is, 7 "
                          "of 8 keys would match"));
}

TEST(MatchSuggestion, NamesTheMostSimilarKey) {
  Form found = small_net();
  found[5].name = "fc.weigth";
  EXPECT_THAT(
      suggestions(small_net(), found),
      ElementsAre("rename 'fc.weigth' to 'fc.weight' in the state dict: 7 of 7 keys would match"));
}

TEST(MatchSuggestion, NoneForAnotherModel) {
  EXPECT_THAT(suggestions(small_net(), vgg(true)), IsEmpty());
  EXPECT_THAT(suggestions(vgg(false), small_net()), IsEmpty());
}

TEST(MatchSuggestion, NoneForBlocksThatSuitSeveralPlaces) {
  const Form expected = {form("query.weight", {4, 4}), form("value.weight", {4, 4})};
  EXPECT_THAT(suggestions(expected, {form("a.weight", {4, 4}), form("b.weight", {4, 4})}),
              IsEmpty());
  const Form one = {form("a.weight", {4, 4})};
  EXPECT_THAT(suggestions(one, {form("b.weight", {4, 4}), form("c.weight", {4, 4})}), IsEmpty());
}

TEST(MatchSuggestion, NoneForShapesThatDisagree) {
  Form found = small_net("module.");
  for (TensorForm& each : found) each.shape.push_back(2);
  EXPECT_THAT(suggestions(small_net(), found), IsEmpty());
}

TEST(MatchSuggestion, NoneForAHeadWithOtherInputs) {
  Form found = small_net("", 5);
  found[5].shape = {5, 32};
  EXPECT_THAT(suggestions(small_net(), found), IsEmpty());
}

TEST(MatchSuggestion, NoneForAnEmptyStateDict) {
  EXPECT_THAT(suggestions(small_net(), {}), IsEmpty());
  EXPECT_THAT(suggestions({}, small_net()), IsEmpty());
}

// Names as a hostile file may have them.
TEST(MatchSuggestion, OddNames) {
  const Form odd = {form("", {1}),
                    form(".", {2}),
                    form("..", {3}),
                    form("a..b", {4}),
                    form(".5.x", {5}),
                    form("007.w", {6}),
                    form("99999999999999999999.w", {7})};
  EXPECT_THAT(suggestions(small_net(), odd), IsEmpty());
  EXPECT_THAT(suggestions(odd, small_net()), IsEmpty());
  EXPECT_THAT(suggestions(odd, with_prefix(odd, "", "module.")),
              ElementsAre(HasSubstr("7 of 7 keys would match")));
}

// Costs that grow with the square of the number of keys would take minutes here.
TEST(MatchSuggestion, TenThousandKeys) {
  Form expected;
  Form found;
  for (int i = 0; i < 2500; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    for (const char* name : {".attn.weight", ".attn.bias", ".mlp.0.weight", ".mlp.0.bias"}) {
      expected.push_back(form(block + name, {2, 2}));
      found.push_back(form("module." + block + name, {2, 2}));
    }
  }
  EXPECT_THAT(suggestions(expected, found),
              ElementsAre(HasSubstr("10000 of 10000 keys would match")));
  EXPECT_THAT(suggestions(expected, with_prefix(found, "module.blocks.", "other.")),
              ElementsAre(HasSubstr("rename 'other.' to 'blocks.'")));
  for (TensorForm& each : found) each.name = "x" + each.name + "_";
  EXPECT_THAT(suggestions(expected, found), IsEmpty());
}

}  // namespace
}  // namespace torchkeep
