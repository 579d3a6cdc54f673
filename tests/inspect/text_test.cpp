#include <torchkeep/inspect.h>

#include <gmock/gmock.h>

namespace torchkeep {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(SummaryText, ShowsFormatValuesAndTensors) {
  Summary summary;
  summary.path = "model.pt";
  summary.format = "pt";
  summary.file_bytes = 1'234'567;
  summary.values.emplace_back("epoch", 3);
  summary.tensors.push_back({"features.0.weight", DType::float32, {64, 3, 3, 3}, 6912, {}});
  summary.tensors.push_back({"fc.bias", DType::int64, {}, 8, "00ff"});
  EXPECT_EQ(to_string(summary),
            "model.pt: pt, 1.2 MiB (1,234,567 bytes)\n"
            "\n"
            "epoch: 3\n"
            "\n"
            "tensor             dtype    shape             size  sha256\n"
            "features.0.weight  float32  [64, 3, 3, 3]  6.8 KiB\n"
            "fc.bias            int64    []                 8 B  00ff\n"
            "2 tensors, 6.8 KiB (6,920 bytes)\n");
}

TEST(SummaryText, ShowsTheTreeOfAWholeModelInPlaceOfItsValues) {
  Summary summary;
  summary.path = "model.pt";
  summary.format = "pt";
  ModuleNode root;
  root.class_path = "my.Net";
  summary.modules = ModuleTree{{root}};
  summary.modules_key = "model";
  summary.values.emplace_back("epoch", 3);
  summary.values.emplace_back("model.training", true);
  summary.values.emplace_back("models", 2);
  EXPECT_EQ(to_string(summary),
            "model.pt: pt, 0 B (0 bytes)\n"
            "\n"
            "epoch: 3\n"
            "models: 2\n"
            "\n"
            "model:\n"
            "my.Net\n"
            "0 parameters, 0 trainable\n");
}

TEST(SummaryText, SaysWhyAModelIsNotShown) {
  Summary summary;
  summary.modules_problem = "the module is below itself";
  EXPECT_THAT(to_string(summary), HasSubstr("not shown as a model: the module is below itself"));
}

TEST(SummaryText, ShowsManyValuesInPart) {
  Summary summary;
  for (int i = 0; i < 150; ++i) summary.values.emplace_back("v" + std::to_string(i), i);
  summary.values.emplace_back("long", std::string(10'000, 'x'));
  EXPECT_THAT(to_string(summary), HasSubstr("... and 51 more values"));
  EXPECT_LT(to_string(summary).size(), 3000U);
}

TEST(SummaryText, SendsNoControlCharactersToTheTerminal) {
  Summary summary;
  summary.path = "a\nb";
  summary.values.emplace_back("k\x1b[31m", "v\x1b[31m");
  summary.tensors.push_back({"t\x07", DType::float32, {1}, 4, {}});
  const std::string text = to_string(summary);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\x07")));
  EXPECT_THAT(text, HasSubstr("k\\x1b[31m"));
  EXPECT_THAT(text, HasSubstr("a\\x0ab"));
}

}  // namespace
}  // namespace torchkeep
