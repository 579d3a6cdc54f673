#include "base/table.h"

#include <gmock/gmock.h>

namespace torchkeep {
namespace {

TEST(Table, AlignsColumnsWithoutSpacesAtTheEnd) {
  Table table({{"name"}, {"size", Table::Align::right}, {"note"}});
  EXPECT_TRUE(table.empty());
  table.add_row({"fc.weight", "1.5 KiB", ""});
  table.add_row({"b", "4 B", "tied"});
  EXPECT_FALSE(table.empty());
  EXPECT_EQ(table.text(),
            "name          size  note\n"
            "fc.weight  1.5 KiB\n"
            "b              4 B  tied\n");
}

TEST(Table, IndentsEveryLine) {
  Table table({{"a"}});
  table.add_row({"x"});
  EXPECT_EQ(table.text(2), "  a\n  x\n");
}

TEST(Table, CountsCharactersAndShowsControlCharacters) {
  Table table({{"name"}, {"n"}});
  table.add_row({"h\xc3\xa9llo", "1"});
  table.add_row({"\x1b[31m", "2"});
  EXPECT_EQ(table.text(),
            "name      n\n"
            "h\xc3\xa9llo     1\n"
            "\\x1b[31m  2\n");
}

TEST(Grouped, SetsCommasBetweenThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'000), "1,000");
  EXPECT_EQ(grouped(18'446'744'073'709'551'615U), "18,446,744,073,709,551,615");
}

TEST(HumanSize, ChoosesTheUnit) {
  EXPECT_EQ(human_size(0), "0 B");
  EXPECT_EQ(human_size(1023), "1023 B");
  EXPECT_EQ(human_size(1024), "1.0 KiB");
  EXPECT_EQ(human_size(553'433'881), "527.8 MiB");
  EXPECT_EQ(human_size(1'048'575), "1.0 MiB");
  EXPECT_EQ(human_size(UINT64_MAX), "16.0 EiB");
}

TEST(Counted, WritesPlurals) {
  EXPECT_EQ(counted(0, "tensor"), "0 tensors");
  EXPECT_EQ(counted(1, "tensor"), "1 tensor");
  EXPECT_EQ(counted(1'000, "value"), "1,000 values");
}

}  // namespace
}  // namespace torchkeep
