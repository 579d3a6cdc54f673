#include "format/tar/archive.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "format/pickle/pickle_bytes.h"
#include "format/tar/tar_builder.h"
#include "support/expect_error.h"

namespace torchkeep {
namespace {

using testing::build_tar;
using testing::build_tar_entry;
using ::testing::HasSubstr;
using testing::pax_line;
using testing::TarEntry;

tar::Archive opened(const std::string& bytes, const Limits& limits = {}) {
  const auto all = testing::as_bytes(bytes);
  return tar::Archive(io::Section(std::vector<std::byte>(all.begin(), all.end())), limits);
}

std::string text_of(const io::Section& section) {
  std::string text(static_cast<std::size_t>(section.size()), '\0');
  section.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

void expect_refused(const std::string& bytes, ErrorCode code, const std::string& text) {
  EXPECT_ERROR(opened(bytes), code, HasSubstr(text));
}

TEST(TarArchive, FindsTheContentOfEachMember) {
  const tar::Archive archive = opened(build_tar(
      {{"a", "first"}, {"empty", ""}, {"b", std::string(512, 'x')}, {"c", std::string(513, 'y')}}));
  EXPECT_EQ(archive.members().size(), 4U);
  EXPECT_EQ(text_of(archive.content("a")), "first");
  EXPECT_EQ(text_of(archive.content("empty")), "");
  EXPECT_EQ(text_of(archive.content("b")), std::string(512, 'x'));
  EXPECT_EQ(text_of(archive.content("c")), std::string(513, 'y'));
  EXPECT_ERROR(archive.content("d"), ErrorCode::corrupt, HasSubstr("has no member d"));
}

TEST(TarArchive, ReadsTheKindsOfHeaders) {
  const std::string gnu("ustar  \0", 8);
  const std::string long_name(150, 'n');
  const tar::Archive archive = opened(build_tar({
      {.name = "v7", .data = "1", .type = '\0'},
      {.name = "gnu", .data = "2", .magic = gnu, .prefix = "not a part of the name"},
      {.name = "file", .data = "3", .prefix = "folder"},
      {.name = "folder", .data = "", .type = '5'},
      {.name = "././@LongLink", .data = long_name + '\0', .type = 'L', .magic = gnu},
      {.name = "cut", .data = "4", .magic = gnu},
      {.name = "PaxHeaders/x",
       .data = pax_line("path", "pax") + pax_line("mtime", "1.5"),
       .type = 'x'},
      {.name = "other", .data = "5"},
      {.name = "PaxHeaders/g", .data = pax_line("comment", "c"), .type = 'g'},
      {.name = "last", .data = "6", .size = std::string("\x80\0\0\0\0\0\0\0\0\0\0\1", 12)},
  }));
  std::vector<std::string> names;
  for (const tar::Member& member : archive.members()) names.push_back(member.name);
  EXPECT_THAT(names, ::testing::ElementsAre("v7", "gnu", "folder/file", "folder", long_name, "pax",
                                            "last"));
  EXPECT_EQ(text_of(archive.content(long_name)), "4");
  EXPECT_EQ(text_of(archive.content("pax")), "5");
  EXPECT_EQ(text_of(archive.content("last")), "6");
}

TEST(TarArchive, TakesTheSizeOfAPaxHeader) {
  TarEntry entry = {"a", "four"};
  entry.size = "00000000000";
  const tar::Archive archive =
      opened(build_tar({{"x", pax_line("size", "4"), 'x'}, entry, {"b", "next"}}));
  EXPECT_EQ(text_of(archive.content("a")), "four");
  EXPECT_EQ(text_of(archive.content("b")), "next");
}

TEST(TarArchive, EndsWithTheFileOrWithZeros) {
  const std::string entry = build_tar_entry({"a", "first"});
  EXPECT_EQ(opened(entry).members().size(), 1U);
  EXPECT_EQ(opened(entry.substr(0, 517)).members().size(), 1U);
  EXPECT_EQ(opened(entry + std::string(512, '\0') + "not read").members().size(), 1U);
}

TEST(TarArchive, SaysThatATruncatedFileLooksTruncated) {
  const std::string whole =
      build_tar_entry({"x", pax_line("path", "a"), 'x'}) + build_tar_entry({"a", "first"});
  for (std::size_t size = 1; size < 1024 + 512 + 5; ++size) {
    if (size == 1024) continue;
    expect_refused(whole.substr(0, size), ErrorCode::corrupt, "truncated");
  }
  expect_refused(whole.substr(0, 1024), ErrorCode::corrupt, "ends behind the name of a member");
}

TEST(TarArchive, RefusesLinksAndDevices) {
  for (const char type : {'1', '2', 'K'}) {
    expect_refused(build_tar({{"a", "", type}}), ErrorCode::unsafe, "the member a is a link");
  }
  for (const char type : {'3', '4', '6'}) {
    expect_refused(build_tar({{"a", "", type}}), ErrorCode::unsafe, "a device or a pipe");
  }
  expect_refused(build_tar({{"x", pax_line("linkpath", "/etc/passwd"), 'x'}, {"a", ""}}),
                 ErrorCode::unsafe, "a link");
  expect_refused(build_tar({{"a", "", 'S'}}), ErrorCode::unsupported, "unknown type ('S')");
}

TEST(TarArchive, RefusesUnsafeNames) {
  for (const char* name : {"/etc/passwd", "../a", "a/../b", "a\\b", ""}) {
    EXPECT_ERROR(opened(build_tar({{name, "x"}})), ErrorCode::unsafe, ::testing::_);
  }
  expect_refused(build_tar({{"x", pax_line("path", "../a"), 'x'}, {"b", ""}}), ErrorCode::unsafe,
                 "byte 1024");
}

TEST(TarArchive, RefusesTwoMembersOfOneName) {
  expect_refused(build_tar({{"a", "1"}, {"a", "2"}}), ErrorCode::corrupt,
                 "two members have the name a");
}

TEST(TarArchive, RefusesSizesThatAreNotThere) {
  const auto sized = [](const std::string& size) {
    TarEntry entry = {"a", "x"};
    entry.size = size;
    return build_tar({entry});
  };
  expect_refused(sized("77777777777"), ErrorCode::corrupt, "longer than the file");
  expect_refused(sized("00000000009"), ErrorCode::corrupt, "not octal");
  expect_refused(sized("-0000000001"), ErrorCode::corrupt, "not octal");
  expect_refused(sized("\x80" + std::string(3, '\0') + std::string(8, '\xff')), ErrorCode::corrupt,
                 "longer than the file");
  expect_refused(sized("\x80" + std::string(2, '\0') + std::string(9, '\xff')), ErrorCode::corrupt,
                 "over 2^64");
  expect_refused(sized(std::string(12, '\xff')), ErrorCode::corrupt, "negative");
}

TEST(TarArchive, RefusesDamagedHeaders) {
  TarEntry entry = {"a", "x"};
  entry.checksum_change = 1;
  expect_refused(build_tar({entry}), ErrorCode::corrupt, "the checksum differs");
  expect_refused(build_tar({{"a", "x"}}).replace(3, 1, "!"), ErrorCode::corrupt,
                 "byte 0: the header of a member is damaged");
  entry = {"a", "x"};
  entry.magic = "tar";
  expect_refused(build_tar({{"b", "y"}, entry}), ErrorCode::corrupt,
                 "byte 1024: a block is no header");
}

TEST(TarArchive, RefusesDamagedPaxHeaders) {
  const auto with_pax = [](const std::string& content) {
    return build_tar({{"x", content, 'x'}, {"a", "1"}});
  };
  for (const char* line : {"8 path=a\n", "11 path=a\n", "2 \n", "path=a\n",
                           "9999999999999999999999 a=b\n", "10 path=ab"}) {
    EXPECT_ERROR(opened(with_pax(line)), ErrorCode::corrupt, HasSubstr("PAX header"));
  }
  expect_refused(with_pax("8 patha\n"), ErrorCode::corrupt, "has no value");
  expect_refused(with_pax(pax_line("size", "-4")), ErrorCode::corrupt, "not decimal");
  expect_refused(with_pax(pax_line("GNU.sparse.map", "0,1")), ErrorCode::unsupported, "sparse");
  expect_refused(build_tar({{"g", pax_line("path", "b"), 'g'}, {"a", "1"}}), ErrorCode::unsafe,
                 "all members one name or size");
}

TEST(TarArchive, KeepsToItsLimits) {
  Limits limits;
  limits.max_records = 1;
  EXPECT_ERROR(opened(build_tar({{"a", ""}, {"b", ""}}), limits), ErrorCode::unsafe,
               HasSubstr("max_records"));
  expect_refused(build_tar({{"x", std::string(70'000, 'x'), 'x'}, {"a", ""}}), ErrorCode::unsafe,
                 "name of a member is too long");
}

}  // namespace
}  // namespace torchkeep
