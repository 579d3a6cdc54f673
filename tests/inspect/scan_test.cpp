#include <fstream>
#include <string>
#include <vector>

#include <torchkeep/save.h>
#include <torchkeep/scan.h>

#include <gmock/gmock.h>

#include "support/shared_data.h"
#include "support/temporary_directory.h"
#include "support/zip_builder.h"

namespace torchkeep {
namespace {

using namespace std::string_literals;

using testing::build_zip;
using ::testing::Contains;
using testing::deflated;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::shared_data;
using ::testing::StartsWith;
using testing::stored;
using testing::TemporaryDirectory;
using testing::ZipEntry;
using Verdict = ScanReport::Verdict;

constexpr const char* kEvil = "cos\nsystem\n(S'true'\ntR.";

ScanReport scanned(const std::string& bytes, const ScanOptions& options = {}) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "file";
  std::ofstream(path, std::ios::binary) << bytes;
  return scan(path, options);
}

std::vector<std::string> dangerous(const ScanReport& report) {
  std::vector<std::string> found;
  for (const ScannedGlobal& global : report.globals) {
    if (global.risk == Risk::dangerous) {
      found.push_back(global.name + "@" + global.record + ":" + std::to_string(global.offset));
    }
  }
  return found;
}

std::string suspicions(const ScanReport& report) {
  std::string text;
  for (const Suspicion& suspicion : report.suspicions) text += suspicion.problem + "\n";
  return text;
}

TEST(Scan, FindsNothingInFilesOfTorchkeep) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "model.pt";
  save(ordered_dict({{"weight", Tensor::of<float>({1, 2}, {2})}, {"epoch", 3}}), path);
  const ScanReport report = scan(path);
  EXPECT_EQ(report.verdict(), Verdict::clean);
  EXPECT_EQ(report.format, "pt");
  EXPECT_EQ(report.pickles, 1U);
  EXPECT_THAT(report.suspicions, IsEmpty());
}

TEST(Scan, FindsPicklesInRecordsOfAnyName) {
  for (const char* name : {"a/data.pkl", "a/readme.txt", "a/data/0", "evil"}) {
    EXPECT_THAT(dangerous(scanned(build_zip({stored(name, kEvil)}))),
                ElementsAre("os.system@" + std::string(name) + ":0"));
    EXPECT_THAT(dangerous(scanned(build_zip({deflated(name, kEvil)}))),
                ElementsAre("os.system@" + std::string(name) + ":0"));
  }
}

TEST(Scan, LooksIntoContainersInsideOfContainers) {
  const std::string inner = build_zip({stored("b.pkl", kEvil)});
  EXPECT_THAT(dangerous(scanned(build_zip({stored("a.bin", inner)}))),
              ElementsAre("os.system@a.bin:b.pkl:0"));
  std::string array("\x93NUMPY\x01\x00\x0e\x00{'descr':'|O'}", 24);
  EXPECT_THAT(dangerous(scanned(build_zip({stored("x.npy", array + kEvil)}))),
              ElementsAre("os.system@x.npy[objects at 24]:0"));
  std::string header(512, '\0');
  header.replace(0, 6, "pickle");
  header.replace(124, 12, std::string("00000000027\0", 12));
  header.replace(257, 5, "ustar");
  EXPECT_THAT(dangerous(scanned(header + kEvil + std::string(512, '\0'))),
              Contains(StartsWith("os.system@pickle")));
}

TEST(Scan, FindsPicklesInsideOfPickles) {
  const std::string inner = "\x80\x02" + std::string(kEvil);
  const std::string outer = "ctorch.storage\n_load_from_bytes\n(C" +
                            std::string(1, static_cast<char>(inner.size())) + inner + "tR.";
  EXPECT_THAT(dangerous(scanned(outer)), Contains("os.system@[bytes at 33]:2"));
}

TEST(Scan, FindsWhatFollowsAPickleThatEndsOrBreaks) {
  EXPECT_THAT(dangerous(scanned("\x80\x02N." + std::string(kEvil))), ElementsAre("os.system@:4"));
  const ScanReport report = scanned(
      "\x80\x02"
      "cos\nsystem\n\xff\xff"
      "cpty\nspawn\n\xff");
  EXPECT_THAT(dangerous(report), ElementsAre("os.system@:2", "pty.spawn@:15"));
  EXPECT_THAT(suspicions(report), HasSubstr("breaks off here"));
}

TEST(Scan, SuspectsArchivesThatReadersUnderstandDifferently) {
  const auto scan_of = [](auto change) {
    ZipEntry entry = stored("a/data.pkl", kEvil);
    change(entry);
    return scanned(build_zip({entry}));
  };
  const auto expect = [](const ScanReport& report, const char* problem) {
    EXPECT_THAT(dangerous(report), Contains(StartsWith("os.system@"))) << problem;
    EXPECT_THAT(suspicions(report), HasSubstr(problem));
  };
  expect(scan_of([](ZipEntry& entry) { entry.local.name = "a/image.png"; }), "disagree: name");
  expect(scan_of([](ZipEntry& entry) { entry.central.flags |= 1; }), "encrypted");
  expect(scan_of([](ZipEntry& entry) { entry.local.flags = entry.central.flags = 0x20; }), "flags");
  expect(scan_of([](ZipEntry& entry) { entry.local.crc32 = entry.central.crc32 = 1; }), "checksum");
  expect(scan_of([](ZipEntry& entry) { entry.offset_change = 5; }), "record");
  const std::string archive = build_zip({stored("a/data.pkl", kEvil)});
  expect(scanned(archive + "trailing"), "follow the end");
  expect(scanned("leading" + archive), "in front of it");
  expect(scanned(archive.substr(0, archive.size() - 30)), "truncated");
}

TEST(Scan, SaysWhatItCannotLookInto) {
  const ScanReport report = scanned("7z\xBC\xAF\x27\x1C rest");
  EXPECT_EQ(report.verdict(), Verdict::suspicious);
  EXPECT_EQ(report.format, "7z");
}

TEST(Scan, IsCleanForFilesWithoutPickles) {
  for (const char* text :
       {"", "learning rate 0.1 worked best\n", "import os\nos.system\n", "c", "N"}) {
    const ScanReport report = scanned(text);
    EXPECT_EQ(report.verdict(), Verdict::clean) << text << to_string(report);
    EXPECT_EQ(report.pickles, 0U);
    EXPECT_THAT(to_string(report), HasSubstr("nothing to scan (no known format, no pickle)"));
  }
}

TEST(Scan, AllowsUnknownGlobalsOnRequest) {
  const std::string pickle =
      "\x80\x02"
      "cmy_project.models\nNet\n)\x81.";
  EXPECT_EQ(scanned(pickle).verdict(), Verdict::unknown);
  EXPECT_EQ(scanned(pickle, {.allow = {"my_project.*"}}).verdict(), Verdict::clean);
  EXPECT_EQ(scanned(kEvil, {.allow = {"*"}}).verdict(), Verdict::dangerous);
}

// As Python 3.11 pickles the members of enumerations.
TEST(Scan, SeesWhatGetattrReaches) {
  const ScanReport harmless = scanned(
      "\x80\x02"
      "c__builtin__\ngetattr\nctorch.optim.sgd\nSGD\nX\x04\x00\x00\x00NAME\x86R."s);
  EXPECT_EQ(harmless.verdict(), Verdict::clean) << to_string(harmless);
  EXPECT_THAT(dangerous(harmless), IsEmpty());
  EXPECT_THAT(dangerous(scanned("c__builtin__\ngetattr\n(cbdb\nBdb\nVrun\ntR.")),
              Contains(StartsWith("bdb.Bdb.run")));
}

TEST(Scan, SpeaksJson) {
  const std::string json = to_json({scanned(kEvil)});
  for (const char* text :
       {R"("verdict": "dangerous")", R"("name": "os.system")", R"("offset": 0)"}) {
    EXPECT_THAT(json, HasSubstr(text));
  }
}

TEST(Scan, FindsEveryMaliciousPickleOfOthersAndNoBenignOne) {
  const std::filesystem::path folder = shared_data("hostile");
  SKIP_WITHOUT(folder);
  std::size_t malicious = 0;
  for (const std::filesystem::path& path : files_below(folder)) {
    const ScanReport report = scan(path);
    const std::string name = path.filename();
    const bool is_closed = report.format == "7z";
    const bool is_bad = name.starts_with("malicious") || name == "broken_model.pkl" ||
                        name == "pytorch_magic_bypass.pt" || name.starts_with("sys_module");
    if (is_bad) {
      EXPECT_EQ(report.verdict(), is_closed ? Verdict::suspicious : Verdict::dangerous) << name;
      ++malicious;
    } else {
      EXPECT_NE(report.verdict(), Verdict::dangerous) << to_string(report);
    }
  }
  EXPECT_GE(malicious, 30U);
}

TEST(Scan, IsCleanForRealCheckpoints) {
  const std::filesystem::path folder = shared_data("formats");
  SKIP_WITHOUT(folder);
  for (const char* name : {"formats", "weights"}) {
    for (const std::filesystem::path& path : files_below(shared_data(name))) {
      const ScanReport report = scan(path);
      EXPECT_EQ(report.verdict(), Verdict::clean) << to_string(report);
    }
  }
}

}  // namespace
}  // namespace torchkeep
