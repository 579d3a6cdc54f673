#include "format/zip/reader.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "io/atomic_file.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "support/zip_builder.h"

namespace torchkeep::zip {
namespace {

using testing::build_zip;
using testing::deflated;
using ::testing::HasSubstr;
using testing::stored;
using testing::TemporaryDirectory;
using testing::ZipEnd;
using testing::ZipEntry;

Reader open(const std::string& archive, const Limits& limits = {}) {
  const TemporaryDirectory directory;
  io::write_file(directory / "a.zip", archive, Durability::cached);
  // The file stays readable through its descriptor when the directory is gone.
  return Reader(std::make_shared<const io::InputFile>(directory / "a.zip"), limits);
}

std::string content(const Reader& reader, std::string_view name) {
  const Record* record = reader.find(name);
  if (record == nullptr) return "no such record";
  const std::vector<std::byte> bytes = reader.read(*record);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// An archive of two records, of which the second has been changed.
std::string archive_with(const std::function<void(ZipEntry&)>& change) {
  ZipEntry second = stored("r/second", "second");
  change(second);
  return build_zip({stored("r/first", "first"), second});
}

TEST(ZipReader, ReadsStoredAndCompressedRecords) {
  const std::string text(100'000, 'x');
  const Reader reader =
      open(build_zip({stored("r/a", "alpha"), deflated("r/b", text), stored("r/c", "")}));
  EXPECT_EQ(reader.records().size(), 3U);
  EXPECT_EQ(content(reader, "r/a"), "alpha");
  EXPECT_EQ(content(reader, "r/b"), text);
  EXPECT_EQ(content(reader, "r/c"), "");
  EXPECT_EQ(reader.find("R/A"), nullptr);
}

TEST(ZipReader, ReadsAnArchiveWithoutRecords) {
  EXPECT_TRUE(open(build_zip({})).records().empty());
}

TEST(ZipReader, ReadsRecordsWhoseSizesStandInADescriptor) {
  ZipEntry entry = stored("r/a", "alpha");
  for (ZipEntry::Header* header : {&entry.local, &entry.central}) header->flags = 0x0808;
  entry.descriptor = std::string("PK\7\x08", 4);
  for (const std::uint32_t number : {entry.central.crc32, 5U, 5U}) {
    for (int i = 0; i < 4; ++i) entry.descriptor += static_cast<char>(number >> (8 * i) & 0xFF);
  }
  entry.local.crc32 = entry.local.stored_bytes = entry.local.bytes = 0;
  EXPECT_EQ(content(open(build_zip({entry, stored("r/b", "b")})), "r/a"), "alpha");

  entry.descriptor[8] = 6;
  EXPECT_ERROR(open(build_zip({entry})), ErrorCode::corrupt, HasSubstr("descriptor"));
  entry.descriptor = "";
  EXPECT_ERROR(open(build_zip({entry})), ErrorCode::corrupt, HasSubstr("descriptor"));
}

TEST(ZipReader, FindsDamageByTheChecksum) {
  const Reader reader = open(archive_with([](ZipEntry& entry) { entry.data = "secunD"; }));
  EXPECT_EQ(content(reader, "r/first"), "first");
  EXPECT_ERROR(content(reader, "r/second"), ErrorCode::corrupt,
               ::testing::AllOf(HasSubstr("r/second"), HasSubstr("checksum differs")));
  EXPECT_EQ(reader.read(*reader.find("r/second"), Checksum::ignore).size(), 6U);
}

TEST(ZipReader, TakesAChecksumOfZeroAsNotComputed) {
  const Reader reader =
      open(archive_with([](ZipEntry& entry) { entry.local.crc32 = entry.central.crc32 = 0; }));
  EXPECT_EQ(content(reader, "r/second"), "second");
  EXPECT_FALSE(reader.find("r/second")->has_checksum());
}

TEST(ZipReader, RefusesHeadersThatContradictTheDirectory) {
  const std::vector<std::pair<const char*, std::function<void(ZipEntry&)>>> changes = {
      {"name", [](ZipEntry& entry) { entry.local.name = "r/sec0nd"; }},
      {"flags", [](ZipEntry& entry) { entry.local.flags = 0; }},
      {"method", [](ZipEntry& entry) { entry.local.method = 8; }},
      {"sizes", [](ZipEntry& entry) { entry.local.bytes = 5; }},
      {"sizes", [](ZipEntry& entry) { entry.local.stored_bytes = 7; }},
      {"checksum", [](ZipEntry& entry) { entry.local.crc32 ^= 1; }},
  };
  for (const auto& [what, change] : changes) {
    EXPECT_ERROR(open(archive_with(change)), ErrorCode::corrupt,
                 ::testing::AllOf(HasSubstr("r/second"), HasSubstr("disagree"), HasSubstr(what)));
  }
}

TEST(ZipReader, RefusesNamesThatAreNoPlainPaths) {
  for (const char* name : {"", "/etc/passwd", "r/../x", "..", "r//x", "r/", "r\\x", "r/\n",
                           "r/\x7f", "r/\xff", "r/\xc0\xae"}) {
    SCOPED_TRACE(name);
    EXPECT_ERROR(open(build_zip({stored(name, "x")})), ErrorCode::unsafe, HasSubstr("name"));
  }
  EXPECT_ERROR(open(build_zip({stored(std::string("r/\0x", 4), "x")})), ErrorCode::unsafe,
               HasSubstr("\\x00"));
}

TEST(ZipReader, RefusesANameTwice) {
  EXPECT_ERROR(open(build_zip({stored("r/data", "a"), stored("r/data", "b")})), ErrorCode::unsafe,
               HasSubstr("two records"));
  EXPECT_EQ(open(build_zip({stored("r/w", "a"), stored("r/W", "b")})).records().size(), 2U);
}

TEST(ZipReader, RefusesWhatIsNoFile) {
  EXPECT_ERROR(open(archive_with([](ZipEntry& entry) { entry.attributes = 0x10; })),
               ErrorCode::unsafe, HasSubstr("directory"));
  for (const std::uint32_t type : {0040000U, 0120000U, 0020000U}) {
    EXPECT_ERROR(open(archive_with([&](ZipEntry& entry) {
                   entry.made_by = 3 << 8;
                   entry.attributes = type << 16;
                 })),
                 ErrorCode::unsafe, HasSubstr("link"));
  }
  EXPECT_EQ(content(open(archive_with([](ZipEntry& entry) {
                      entry.made_by = 3 << 8;
                      entry.attributes = 0100644U << 16;
                    })),
                    "r/second"),
            "second");
}

TEST(ZipReader, RefusesEncryptionAndUnknownFlagsAndMethods) {
  for (const auto& [flags, what] : {std::pair<std::uint16_t, const char*>{0x0801, "encrypted"},
                                    {0x0840, "unknown flags"},
                                    {0x0820, "unknown flags"},
                                    {0x2800, "unknown flags"}}) {
    EXPECT_ERROR(open(archive_with([&, bits = flags](ZipEntry& entry) {
                   entry.local.flags = entry.central.flags = bits;
                 })),
                 ErrorCode::unsupported, HasSubstr(what));
  }
  EXPECT_ERROR(
      open(archive_with([](ZipEntry& entry) { entry.local.method = entry.central.method = 12; })),
      ErrorCode::unsupported, HasSubstr("method 12"));
}

TEST(ZipReader, RefusesRecordsThatOverlap) {
  // Both records of the directory point to the first one's header.
  ZipEntry second = stored("r/first", "first");
  second.central.name = "r/second";
  second.offset_change = 0U - (30 + 7 + 5);
  EXPECT_ERROR(open(build_zip({stored("r/first", "first"), second})), ErrorCode::corrupt,
               HasSubstr("overlaps"));
  // The first one's data reaches into the second one.
  ZipEntry first = stored("r/first", "first");
  first.local.stored_bytes = first.local.bytes = 20;
  first.central.stored_bytes = first.central.bytes = 20;
  EXPECT_ERROR(open(build_zip({first, stored("r/second", "second")})), ErrorCode::corrupt,
               HasSubstr("overlaps"));
  // The last one's data reaches into the directory.
  EXPECT_ERROR(open(archive_with([](ZipEntry& entry) {
                 entry.local.stored_bytes = entry.local.bytes = 7;
                 entry.central.stored_bytes = entry.central.bytes = 7;
               })),
               ErrorCode::corrupt, HasSubstr("overlaps"));
  // The extra field of the local header reaches beyond the file.
  EXPECT_ERROR(open(archive_with([](ZipEntry& entry) { entry.offset_change = 100'000; })),
               ErrorCode::corrupt, HasSubstr("outside"));
}

TEST(ZipReader, RefusesSizesThatCannotBe) {
  EXPECT_ERROR(
      open(archive_with([](ZipEntry& entry) { entry.local.bytes = entry.central.bytes = 7; })),
      ErrorCode::corrupt, HasSubstr("two sizes"));
  ZipEntry bomb = deflated("r/a", std::string(100, 'x'));
  bomb.local.bytes = bomb.central.bytes = 1'000'000;
  EXPECT_ERROR(open(build_zip({bomb})), ErrorCode::corrupt, HasSubstr("cannot inflate"));
  ZipEntry wrong = deflated("r/a", std::string(100, 'x'));
  wrong.local.bytes = wrong.central.bytes = 99;
  EXPECT_ERROR(content(open(build_zip({wrong})), "r/a"), ErrorCode::corrupt,
               HasSubstr("does not inflate"));
}

TEST(ZipReader, KeepsItsLimits) {
  const std::string archive =
      build_zip({deflated("r/a", std::string(600, 'x')), deflated("r/b", std::string(600, 'y'))});
  Limits limits;
  limits.max_inflated_bytes = 1200;
  EXPECT_EQ(open(archive, limits).records().size(), 2U);
  limits.max_inflated_bytes = 1199;
  EXPECT_ERROR(open(archive, limits), ErrorCode::unsafe, HasSubstr("max_inflated_bytes"));
  limits = {};
  limits.max_records = 1;
  EXPECT_ERROR(open(archive, limits), ErrorCode::unsafe, HasSubstr("max_records"));
}

TEST(ZipReader, RefusesAnEndThatContradictsTheFile) {
  const std::vector<ZipEntry> entries = {stored("r/a" + std::string(50, 'a'), "alpha"),
                                         stored("r/b", "beta")};
  const auto expect_refused = [&](ZipEnd end, const char* what) {
    EXPECT_ERROR(open(build_zip(entries, end)), ErrorCode::corrupt, HasSubstr(what));
  };
  expect_refused({.records_change = 1}, "damaged");
  expect_refused({.records_change = static_cast<std::uint16_t>(-1)}, "too many");
  expect_refused({.records_change = 1000}, "too short");
  expect_refused({.directory_bytes_change = 1}, "does not fill");
  expect_refused({.directory_offset_change = 1}, "does not fill");
  expect_refused({.before_end = "hidden"}, "does not fill");
  expect_refused({.comment = "hidden"}, "6 bytes follow the end");
  EXPECT_ERROR(open(build_zip(entries, {.disk = 1})), ErrorCode::unsupported,
               HasSubstr("several disks"));
  EXPECT_ERROR(open(build_zip(entries) + "tail"), ErrorCode::corrupt,
               HasSubstr("4 bytes follow the end"));
  EXPECT_ERROR(open("junk" + build_zip(entries)), ErrorCode::corrupt, HasSubstr("fill"));
}

TEST(ZipReader, SaysThatATruncatedArchiveLooksTruncated) {
  const std::string archive = build_zip({stored("r/a", "alpha"), stored("r/b", "beta")});
  for (std::size_t size = 0; size < archive.size(); ++size) {
    EXPECT_ERROR(open(archive.substr(0, size)), ErrorCode::corrupt, HasSubstr("truncated"));
  }
}

}  // namespace
}  // namespace torchkeep::zip
