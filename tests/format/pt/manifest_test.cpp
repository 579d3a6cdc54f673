#include "format/pt/manifest.h"

#include <memory>
#include <string>

#include <torchkeep/inspect.h>
#include <torchkeep/load.h>
#include <torchkeep/save.h>

#include <gmock/gmock.h>

#include "format/zip/reader.h"
#include "io/atomic_file.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep::pt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = ManifestMismatch::Kind;

const std::string kDigest(64, 'a');

class ManifestFile : public ::testing::Test {
 protected:
  ManifestFile() {
    const Tensor base = Tensor::of<float>({1, 2, 3, 4, 5, 6}, {2, 3});
    const Tensor transposed(base.storage(), DType::float32, {3, 2}, {1, 3});
    value_ = dict({{"a", base},
                   {"b", dict({{"t", transposed}, {"again", base}})},
                   {"empty", Tensor::of<float>({}, {0})},
                   {"epoch", 3}});
    save(value_, path_,
         {.durability = Durability::cached, .manifest = torchkeep::Manifest::sha256});
  }

  zip::Reader reader() const {
    return zip::Reader(std::make_shared<const io::InputFile>(path_), {});
  }

  testing::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "m.pt";
  Value value_;
};

TEST_F(ManifestFile, ListsEveryRecordAndEveryTensor) {
  const zip::Reader reader = this->reader();
  const auto manifest = read_manifest(Archive(reader), {});
  ASSERT_TRUE(manifest);
  std::vector<std::string> names;
  for (const auto& entry : manifest->records) names.push_back(entry.name);
  EXPECT_THAT(names, ElementsAre("data.pkl", ".format_version", ".storage_alignment", "byteorder",
                                 "data/0", "data/1", "version", ".data/serialization_id"));
  EXPECT_EQ(reader.records().back().name, "m/.torchkeep/sha256.json");
  const Summary summary = inspect(path_, {.hash = InspectOptions::Hash::sha256});
  ASSERT_EQ(manifest->tensors.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(manifest->tensors[i].name, summary.tensors[i].name);
    EXPECT_EQ(manifest->tensors[i].sha256, summary.tensors[i].sha256);
  }
}

TEST_F(ManifestFile, AgreesWithWhatWasWritten) {
  const zip::Reader reader = this->reader();
  const Archive archive(reader);
  const auto manifest = read_manifest(archive, {});
  EXPECT_THAT(check_records(archive, *manifest), IsEmpty());
  EXPECT_THAT(check_tensors(load(path_), *manifest), IsEmpty());
  EXPECT_TRUE(equal(load(path_), value_));
}

TEST_F(ManifestFile, ChangesNothingElse) {
  save(value_, directory_ / "m2.pt", {.root_name = "m"});
  const std::string plain = io::read_file(directory_ / "m2.pt");
  const std::string with_manifest = io::read_file(path_);
  const std::size_t directory = plain.find("PK\1\2");
  EXPECT_EQ(plain.substr(0, directory), with_manifest.substr(0, directory));
}

TEST_F(ManifestFile, TellsChangedMissingAndUnlistedRecords) {
  const zip::Reader reader = this->reader();
  const Archive archive(reader);
  Sha256Manifest manifest = *read_manifest(archive, {});
  manifest.records[4].sha256 = kDigest;
  manifest.records[5].name = "data/7";
  EXPECT_THAT(check_records(archive, manifest),
              ElementsAre(ManifestMismatch{Kind::changed, "data/0"},
                          ManifestMismatch{Kind::missing, "data/7"},
                          ManifestMismatch{Kind::unlisted, "data/1"}));
}

TEST_F(ManifestFile, TellsChangedMissingAndUnlistedTensors) {
  const zip::Reader reader = this->reader();
  Sha256Manifest manifest = *read_manifest(Archive(reader), {});
  manifest.tensors[0].sha256 = kDigest;
  manifest.tensors[1].name = "b.other";
  EXPECT_THAT(
      check_tensors(load(path_), manifest),
      ElementsAre(ManifestMismatch{Kind::changed, "a"}, ManifestMismatch{Kind::unlisted, "b.t"},
                  ManifestMismatch{Kind::missing, "b.other"}));
}

TEST(Manifest, TellsTensorsOfOneNameApart) {
  const Value value = dict(
      {{"a.b", Tensor::of<float>({1}, {1})}, {"a", dict({{"b", Tensor::of<float>({2}, {1})}})}});
  testing::TemporaryDirectory directory;
  save(value, directory / "m.pt", {.manifest = torchkeep::Manifest::sha256});
  const zip::Reader reader(std::make_shared<const io::InputFile>(directory / "m.pt"), {});
  const Sha256Manifest manifest = *read_manifest(Archive(reader), {});
  EXPECT_THAT(check_tensors(value, manifest), IsEmpty());
  const Value swapped = dict(
      {{"a.b", Tensor::of<float>({2}, {1})}, {"a", dict({{"b", Tensor::of<float>({2}, {1})}})}});
  EXPECT_THAT(check_tensors(swapped, manifest),
              ElementsAre(ManifestMismatch{Kind::changed, "a.b"}));
}

TEST(Manifest, IsAbsentWhereItWasNotAskedFor) {
  testing::TemporaryDirectory directory;
  save(dict({{"a", 1}}), directory / "m.pt");
  const zip::Reader reader(std::make_shared<const io::InputFile>(directory / "m.pt"), {});
  EXPECT_FALSE(read_manifest(Archive(reader), {}));
}

TEST(Manifest, ComesBackFromItsText) {
  const Sha256Manifest manifest{{{"data.pkl", kDigest}},
                                {{"a \"b\"\n\xC3\xA9", kDigest}, {"", kDigest}}};
  const Sha256Manifest again = decode_manifest(encode_manifest(manifest));
  EXPECT_EQ(again.records, manifest.records);
  EXPECT_EQ(again.tensors, manifest.tensors);
}

TEST(Manifest, RefusesTextThatIsNone) {
  const std::string entry = R"({"name":"a","sha256":")" + kDigest + R"("})";
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{}"), std::string("7"),
        std::string("{\"version\":1"), std::string("{\"version\":1}x"),
        std::string(R"({"version":1,"records":{}})"), std::string(R"({"version":1,"more":[]})"),
        std::string(R"({"version":1,"records":[{"name":"a"}]})"),
        std::string(R"({"version":1,"records":[{"name":"a","sha256":"00"}]})"),
        R"({"version":1,"records":[[)" + entry + "]]}", R"({"records":[)" + entry + "]}",
        R"({"version":true,"records":[)" + entry + "]}",
        std::string(R"({"version":1,"records":[null]})"),
        R"({"version":1,"records":[)" + entry + R"(],"tensors":[{"name":{}}]})",
        std::string(100'000, '[')}) {
    EXPECT_ERROR(decode_manifest(text), ErrorCode::corrupt, HasSubstr("no manifest"));
  }
  EXPECT_ERROR(decode_manifest(R"({"version":2})"), ErrorCode::unsupported, HasSubstr("version 2"));
}

}  // namespace
}  // namespace torchkeep::pt
