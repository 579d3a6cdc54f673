#include "train/file_name.h"

#include <cmath>

#include <torchkeep/checkpoint_manager.h>

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"

namespace torchkeep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const Metrics kMetrics{{"acc", 0.91}, {"loss", 0.123456}, {"val/top-1", 0.5}};

TEST(FileName, FieldsAreReplacedByTheirValues) {
  EXPECT_EQ(format_file_name("checkpoint_model_{epoch}_{loss:.4f}_{acc:.4f}", 7, 300, kMetrics),
            "checkpoint_model_7_0.1235_0.9100.pt");
  EXPECT_EQ(format_file_name("{step}", 7, 300, {}), "300.pt");
}

TEST(FileName, FormatsAreThoseOfPython) {
  EXPECT_EQ(format_file_name("{epoch:03d}", 7, 0, {}), "007.pt");
  EXPECT_EQ(format_file_name("{epoch:>5}", 7, 0, {}), "    7.pt");
  EXPECT_EQ(format_file_name("{epoch:.1f}", 7, 0, {}), "7.0.pt");
  EXPECT_EQ(format_file_name("{loss:.2e}", 0, 0, kMetrics), "1.23e-01.pt");
  EXPECT_EQ(format_file_name("{loss:08.3f}", 0, 0, kMetrics), "0000.123.pt");
  EXPECT_EQ(format_file_name("{acc}", 0, 0, kMetrics), "0.91.pt");
  EXPECT_EQ(format_file_name("{acc:}", 0, 0, kMetrics), "0.91.pt");
}

TEST(FileName, ABraceIsWrittenTwice) {
  EXPECT_EQ(format_file_name("{{{epoch}}}", 1, 0, {}), "{1}.pt");
}

TEST(FileName, TheEndingIsNotAddedTwice) {
  EXPECT_EQ(format_file_name("model.pt", 1, 0, {}), "model.pt");
  EXPECT_EQ(format_file_name("{epoch}.pt", 1, 0, {}), "1.pt");
}

TEST(FileName, ASlashInAMetricOrAValueMakesNoDirectory) {
  EXPECT_EQ(format_file_name("{val/top-1:.1f}", 0, 0, kMetrics), "0.5.pt");
  EXPECT_EQ(format_file_name("{epoch:/>3}", 7, 0, {}), "__7.pt");
  EXPECT_ERROR(format_file_name("a/{epoch}", 0, 0, {}), ErrorCode::invalid_argument,
               HasSubstr("character"));
}

TEST(FileName, NanIsWrittenOut) {
  EXPECT_EQ(format_file_name("{loss:.4f}", 0, 0, {{"loss", NAN}}), "nan.pt");
}

TEST(FileName, AMissingMetricIsAnErrorThatListsWhatThereIs) {
  EXPECT_ERROR(format_file_name("{epoch}_{los:.4f}", 0, 0, kMetrics), ErrorCode::not_found,
               AllOf(HasSubstr("{epoch}_{los:.4f}"), HasSubstr("no metric \"los\""),
                     HasSubstr("acc, loss"), HasSubstr("did you mean \"loss\"?")));
}

TEST(FileName, AMalformedTemplateIsRefusedAtOnce) {
  for (const char* text : {"{epoch",
                           "epoch}",
                           "{}",
                           "{:3d}",
                           "{a{b}}",
                           "{loss:{epoch}f}",
                           "{",
                           "}",
                           "{epoch}}",
                           "",
                           ".pt",
                           ".hidden",
                           "{loss:d}",
                           "{loss:.4k}",
                           "{epoch:s}",
                           "{loss:99999f}",
                           "{loss:.99999f}",
                           "{acc:.1%}",
                           "..",
                           "{acc:f f}"}) {
    EXPECT_ERROR(FileNameTemplate{text}, ErrorCode::invalid_argument, HasSubstr("template"));
  }
}

TEST(FileName, SaysWhichFormatDoesNotFit) {
  EXPECT_ERROR(FileNameTemplate{"{loss:04d}"}, ErrorCode::invalid_argument,
               HasSubstr("gives loss the format \"04d\", which does not fit a number"));
}

TEST(FileName, ATooLongNameIsAnError) {
  EXPECT_ERROR(format_file_name("{epoch:300d}", 0, 0, {}), ErrorCode::invalid_argument,
               HasSubstr("300 bytes"));
}

TEST(FileName, TheDefaultNamesTheMonitoredMetric) {
  EXPECT_EQ(default_file_name_template(""), "{epoch:03d}-{step}");
  EXPECT_EQ(format_file_name(default_file_name_template("acc"), 3, 40, kMetrics),
            "003-40-0.9100.pt");
}

TEST(FileName, AVersionComesBeforeTheEnding) {
  const testing::TemporaryDirectory directory;
  EXPECT_EQ(unused_path(directory.path(), "a.b.pt"), directory / "a.b.pt");
  testing::write_content(directory / "a.b.pt", "");
  testing::write_content(directory / "a.b-v1.pt", "");
  EXPECT_EQ(unused_path(directory.path(), "a.b.pt"), directory / "a.b-v2.pt");
}

}  // namespace
}  // namespace torchkeep
