#include "format/zip/salvage.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "format/pickle/pickle_bytes.h"
#include "format/zip/writer.h"
#include "io/checksum.h"
#include "support/zip_builder.h"

namespace torchkeep::zip {
namespace {

using testing::as_bytes;
using testing::build_zip;
using testing::deflated;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::stored;

// As PyTorch writes it: sizes and checksums stand behind the data.
std::string streamed(const std::vector<std::pair<std::string, std::string>>& records) {
  std::string archive;
  Writer writer(
      [&](std::span<const std::byte> bytes) {
        archive.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      },
      "a");
  for (const auto& [name, data] : records) writer.add(name, std::string_view(data));
  writer.finish();
  return archive;
}

// name:content of every record whose content has its checksum.
std::vector<std::string> whole(const std::string& file) {
  std::vector<std::string> result;
  for (const Salvaged& salvaged : salvage(as_bytes(file), {}).records) {
    const Content content = content_of(as_bytes(file), salvaged.record, 1 << 20);
    if (matches_checksum(salvaged, io::crc32(content.bytes)) != true) continue;
    result.push_back(
        salvaged.record.name + ":" +
        std::string(reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size()));
  }
  return result;
}

const std::vector<std::pair<std::string, std::string>> kRecords = {
    {"data.pkl", "pickle"},
    {"data/0", "first PK\7\10 PK\3\4 tensor"},
    {"data/1", "second"}};
const std::vector<std::string> kAll = {"a/data.pkl:pickle", "a/data/0:first PK\7\10 PK\3\4 tensor",
                                       "a/data/1:second"};

TEST(Salvage, FindsNoFlawInAWholeArchive) {
  for (const std::string& file :
       {streamed(kRecords), build_zip({stored("x", "1"), deflated("y", std::string(100, 'y'))})}) {
    const Salvage found = salvage(as_bytes(file), {});
    EXPECT_THAT(found.flaws, IsEmpty());
    for (const Salvaged& salvaged : found.records) {
      EXPECT_EQ(salvaged.problem, "");
      EXPECT_TRUE(salvaged.is_complete && salvaged.is_listed && salvaged.has_header);
    }
    EXPECT_EQ(whole(file).size(), found.records.size());
  }
  EXPECT_EQ(whole(streamed(kRecords)), kAll);
}

TEST(Salvage, RebuildsFromLocalHeadersWithoutADirectory) {
  const std::string file = streamed(kRecords);
  const std::string cut = file.substr(0, file.find("PK\1\2"));
  EXPECT_EQ(whole(cut), kAll);
  EXPECT_THAT(salvage(as_bytes(cut), {}).flaws, ::testing::SizeIs(1));
}

TEST(Salvage, KeepsWhatLiesBeforeATruncation) {
  const std::string file = streamed(kRecords);
  for (std::size_t size = 0; size <= file.size(); ++size) {
    const std::string cut = file.substr(0, size);
    std::vector<std::string> expected;
    for (const Salvaged& salvaged : salvage(as_bytes(file), {}).records) {
      if (salvaged.end <= size) expected.push_back(kAll[expected.size()]);
    }
    EXPECT_EQ(whole(cut), expected) << size;
  }
}

TEST(Salvage, FindsRecordsWhoseHeaderIsDamaged) {
  const std::string file = streamed(kRecords);
  for (const Salvaged& salvaged : salvage(as_bytes(file), {}).records) {
    std::string damaged = file;
    damaged[salvaged.record.header_offset] ^= 1;
    EXPECT_EQ(whole(damaged), kAll) << salvaged.record.name;
  }
}

TEST(Salvage, FindsRecordsWhoseEntryIsDamaged) {
  const std::string file = streamed(kRecords);
  for (std::size_t at = file.find("PK\1\2"); at < file.size(); ++at) {
    std::string damaged = file;
    damaged[at] ^= 0x10;
    std::vector<std::string> found = whole(damaged);
    EXPECT_GE(found.size(), 2U) << at;  // a name may have changed
  }
}

TEST(Salvage, FindsTheArchiveBehindOtherBytes) {
  EXPECT_EQ(whole("prefix" + build_zip({stored("x", "1")})), std::vector<std::string>{"x:1"});
}

TEST(Salvage, TakesTheLastOfTwoRecords) {
  const std::string file = build_zip({stored("a/x", "1"), stored("a/x", "22")});
  EXPECT_EQ(salvage(as_bytes(file), {}).find("x")->record.bytes, 2U);
  EXPECT_EQ(salvage(as_bytes(file), {}).find("y"), nullptr);
}

TEST(Salvage, StopsInflatingAtTheLimit) {
  const std::string file = build_zip({deflated("x", std::string(1 << 20, 'x'))});
  const Salvage found = salvage(as_bytes(file), {});
  const Content content = content_of(as_bytes(file), found.records.at(0).record, 1000);
  EXPECT_EQ(content.bytes.size(), 1000U);
  EXPECT_FALSE(content.is_whole);
}

}  // namespace
}  // namespace torchkeep::zip
