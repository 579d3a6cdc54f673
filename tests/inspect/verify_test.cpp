#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <torchkeep/load.h>
#include <torchkeep/save.h>
#include <torchkeep/verify.h>

#include <gmock/gmock.h>

#include "support/expect_error.h"
#include "support/shared_data.h"
#include "support/temporary_directory.h"
#include "support/test_file.h"
#include "support/zip_builder.h"

namespace torchkeep {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::file_content;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::shared_data;
using testing::TemporaryDirectory;
using testing::test_stride;
using testing::write_content;
using Part = Damage::Part;
using Verdict = VerifyReport::Verdict;

const std::string kWeight("\0\0\x80\x3f\0\0\0\x40", 8);  // 1, 2

class VerifyFile : public ::testing::Test {
 protected:
  // A state dict with a shared storage, a scalar and a nested value.
  std::string saved(const SaveOptions& options = {.layout = Layout::latest}) {
    const Tensor weight = Tensor::of<float>({1, 2, 3, 4, 5, 6}, {2, 3});
    save(dict({{"epoch", 3},
               {"model", ordered_dict({{"fc.weight", weight},
                                       {"fc.bias", Tensor::of<float>({7, 8}, {2})},
                                       {"tied", weight}})}}),
         path_, options);
    return file_content(path_);
  }

  VerifyReport verified(const std::string& content) {
    write_content(path_, content);
    return verify(path_);
  }

  // What load() makes of the bytes; nothing if it refuses them.
  std::optional<Value> loaded() const {
    try {
      return load(path_);
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "model.pt";
};

// "part record" of each damage.
std::vector<std::string> places(const VerifyReport& report) {
  std::vector<std::string> result;
  for (const Damage& damage : report.damages) {
    result.push_back(std::string(name(damage.part)) + " " + damage.record);
  }
  return result;
}

TEST_F(VerifyFile, IsOkAsItWasWritten) {
  for (const Layout layout : {Layout::latest, Layout::torch_1_13}) {
    const VerifyReport report = verified(saved({.layout = layout}));
    EXPECT_EQ(report.verdict(), Verdict::ok) << to_string(report);
    EXPECT_EQ(report.format, "pt");
    EXPECT_GT(report.verified_bytes, 32U);
    EXPECT_EQ(report.unverified_bytes, 0U);
    EXPECT_EQ(report.file_bytes, file_content(path_).size());
  }
}

TEST_F(VerifyFile, NamesTheTensorsAndTheBytes) {
  std::string content = saved();
  const std::size_t at = content.find(std::string("\0\0\x80\x3f\0\0\0\x40", 8));
  ASSERT_NE(at, std::string::npos);
  content[at + 9] ^= 4;
  const VerifyReport report = verified(content);
  ASSERT_EQ(report.damages.size(), 1U) << to_string(report);
  const Damage& damage = report.damages[0];
  EXPECT_EQ(damage.part, Part::tensor);
  EXPECT_EQ(damage.record, "model/data/0");
  EXPECT_THAT(damage.tensors, ElementsAre("model.fc.weight", "model.tied"));
  EXPECT_EQ(damage.begin, at);
  EXPECT_EQ(damage.end, at + 24);
  EXPECT_THAT(damage.problem, HasSubstr("checksum"));
}

TEST_F(VerifyFile, FindsAllDamageInOnePass) {
  std::string content = saved();
  const std::size_t weight = content.find(std::string("\0\0\x80\x3f\0\0\0\x40", 8));
  const std::size_t bias = content.find(std::string("\0\0\xe0\x40\0\0\0\x41", 8));
  content[weight] ^= 1;
  content[bias] ^= 1;
  content[content.find("epoch") + 1] ^= 1;
  content[content.find("ZZZZ")] ^= 1;
  content[content.find("PK\3\4", 10) + 2] ^= 1;
  const VerifyReport report = verified(content);
  for (const char* place : {"tensor model/data/0", "tensor model/data/1", "pickle model/data.pkl",
                            "padding model/data.pkl"}) {
    EXPECT_THAT(places(report), Contains(place)) << to_string(report);
  }
  EXPECT_THAT(report.damages, Contains(::testing::Field(&Damage::part, Part::directory)));
}

TEST_F(VerifyFile, SaysWhichTensorsAreCutOff) {
  const std::string content = saved();
  const std::size_t bias = content.find(std::string("\0\0\xe0\x40\0\0\0\x41", 8));
  const VerifyReport report = verified(content.substr(0, bias + 4));
  EXPECT_EQ(report.verdict(), Verdict::damaged);
  EXPECT_THAT(to_string(report), HasSubstr("model.fc.bias"));
  EXPECT_THAT(to_string(report), HasSubstr("no end"));
}

// Each bit flip is found, or no reader can tell that it is there.
TEST_F(VerifyFile, FindsEveryBitFlipThatMatters) {
  for (const bool has_manifest : {false, true}) {
    const std::string content =
        saved({.manifest = has_manifest ? Manifest::sha256 : Manifest::none});
    const Value original = load(path_);
    std::size_t unseen = 0;
    const std::size_t stride = test_stride(41);  // odd: all bits of a byte take turns
    for (std::size_t bit = 0; bit < content.size() * 8; bit += stride) {
      std::string flipped = content;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
      bool is_found = true;
      try {
        is_found = verified(flipped).verdict() != Verdict::ok;
      } catch (const Error&) {
      }
      if (is_found) continue;
      ++unseen;
      const std::optional<Value> value = loaded();
      ASSERT_TRUE(value && equal(*value, original)) << "bit " << bit;
    }
    // Times, versions and attributes that no reader uses.
    EXPECT_LT(unseen * stride, content.size() * 8 / 10);
  }
}

TEST_F(VerifyFile, FindsEveryTruncation) {
  const std::string content = saved();
  for (std::size_t size = 0; size < content.size(); ++size) {
    try {
      EXPECT_EQ(verified(content.substr(0, size)).verdict(), Verdict::damaged) << size;
    } catch (const Error& error) {
      EXPECT_LT(size, 4U) << error.what();  // no archive any more
    }
    EXPECT_FALSE(loaded()) << size;
  }
}

TEST_F(VerifyFile, FindsExtensionsZeroTailsAndSwappedBlocks) {
  const std::string content = saved();
  const Value original = load(path_);
  std::mt19937 random(1);
  const auto expect_found = [&](const std::string& damaged, const std::string& what) {
    if (damaged == content) return;
    EXPECT_EQ(verified(damaged).verdict(), Verdict::damaged) << what;
    const std::optional<Value> value = loaded();
    EXPECT_TRUE(!value || equal(*value, original)) << what;
  };
  const std::size_t stride = test_stride(23);
  for (std::size_t size = 1; size <= 200; size += stride) {
    std::string tail(size, '\0');
    expect_found(content + tail, "zeros behind, " + std::to_string(size));
    std::ranges::generate(tail, [&] { return static_cast<char>(random()); });
    expect_found(content + tail, "bytes behind, " + std::to_string(size));
  }
  for (std::size_t begin = 4; begin < content.size(); begin += stride) {
    std::string zeroed = content;
    std::fill(zeroed.begin() + static_cast<std::ptrdiff_t>(begin), zeroed.end(), '\0');
    expect_found(zeroed, "zeros from " + std::to_string(begin));
  }
  constexpr std::size_t kBlock = 64;
  for (std::size_t a = 0; a + kBlock <= content.size(); a += kBlock) {
    for (std::size_t b = a + kBlock; b + kBlock <= content.size(); b += kBlock * stride) {
      std::string swapped = content;
      std::swap_ranges(swapped.begin() + static_cast<std::ptrdiff_t>(a),
                       swapped.begin() + static_cast<std::ptrdiff_t>(a + kBlock),
                       swapped.begin() + static_cast<std::ptrdiff_t>(b));
      if (a == 0 && !swapped.starts_with("PK\3\4")) continue;  // no archive any more
      expect_found(swapped, "blocks " + std::to_string(a) + " and " + std::to_string(b));
    }
  }
}

TEST_F(VerifyFile, IsUnverifiedWithoutChecksums) {
  std::vector<testing::ZipEntry> entries = {testing::stored("a/data.pkl", "\x80\x02}."),
                                            testing::stored("a/data/0", "1234"),
                                            testing::stored("a/version", "3\n")};
  EXPECT_EQ(verified(testing::build_zip(entries)).verdict(), Verdict::ok);
  entries[1].local.crc32 = entries[1].central.crc32 = 0;
  const VerifyReport report = verified(testing::build_zip(entries));
  EXPECT_EQ(report.verdict(), Verdict::unverified) << to_string(report);
  EXPECT_EQ(report.unverified_bytes, 4U);
}

TEST_F(VerifyFile, ChecksCompressedRecords) {
  std::vector<testing::ZipEntry> entries = {
      testing::stored("a/data.pkl", "\x80\x02}."), testing::stored("a/version", "3\n"),
      testing::deflated("a/code.py", std::string(1000, 'x') + "y")};
  EXPECT_EQ(verified(testing::build_zip(entries)).verdict(), Verdict::ok);
  entries[2].data[4] ^= 1;
  EXPECT_THAT(places(verified(testing::build_zip(entries))), ElementsAre("record a/code.py"));
}

TEST_F(VerifyFile, ChecksStoragesAgainstThePickle) {
  std::string content = saved();
  const std::string name = "model/data/1";
  for (std::size_t at = content.find(name); at != std::string::npos; at = content.find(name, at)) {
    content[at + name.size() - 1] = '9';
  }
  const VerifyReport report = verified(content);
  EXPECT_THAT(places(report), Contains("tensor data/1")) << to_string(report);
  EXPECT_THAT(to_string(report), HasSubstr("missing"));
}

TEST_F(VerifyFile, ChecksTheStructureOfFormatsWithoutChecksums) {
  for (const char* name : {"model.safetensors", "model.npy"}) {
    const std::filesystem::path path = directory_ / name;
    const Tensor tensor = Tensor::of<float>({1, 2}, {2});
    save(path.extension() == ".npy" ? Value(tensor) : ordered_dict({{"a", tensor}}), path);
    const VerifyReport whole = verify(path);
    EXPECT_EQ(whole.verdict(), Verdict::unverified) << to_string(whole);
    EXPECT_THAT(to_string(whole), HasSubstr("structure ok, contents unverified"));
    const std::string content = file_content(path);
    write_content(path, content.substr(0, content.size() - 1));
    EXPECT_EQ(verify(path).verdict(), Verdict::damaged) << name;
  }
  const std::filesystem::path path = directory_ / "arrays.npz";
  save(ordered_dict({{"a", Tensor::of<float>({1, 2}, {2})}}), path);
  EXPECT_EQ(verify(path).verdict(), Verdict::ok) << to_string(verify(path));
  std::string content = file_content(path);
  content[content.find(kWeight)] ^= 1;
  write_content(path, content);
  EXPECT_THAT(places(verify(path)), ElementsAre("tensor a.npy"));
}

TEST_F(VerifyFile, LooksIntoEachShardOfAnIndex) {
  save(ordered_dict({{"a", Tensor::of<float>({1, 2}, {2})}}), directory_ / "1.pt");
  save(ordered_dict({{"b", Tensor::of<float>({1, 2}, {2})}}), directory_ / "2.pt");
  const std::filesystem::path index = directory_ / "pytorch_model.bin.index.json";
  write_content(index, R"({"weight_map":{"a":"1.pt","b":"2.pt"}})");
  EXPECT_EQ(verify(index).verdict(), Verdict::ok) << to_string(verify(index));
  EXPECT_GT(verify(index).verified_bytes, 16U);

  for (const char* shard : {"1.pt", "2.pt"}) {
    std::string content = file_content(directory_ / shard);
    content[content.find(kWeight)] ^= 1;
    write_content(directory_ / shard, content);
  }
  EXPECT_THAT(places(verify(index)), ElementsAre("tensor 1.pt/1/data/0", "tensor 2.pt/2/data/0"));
  std::filesystem::remove(directory_ / "1.pt");
  EXPECT_THAT(places(verify(index)), ElementsAre("structure 1.pt", "tensor 2.pt/2/data/0"));
}

TEST_F(VerifyFile, ChecksShardsAgainstTheirIndex) {
  save(ordered_dict({{"a", Tensor::of<float>({1, 2}, {2})}}), directory_ / "1.pt");
  const std::filesystem::path index = directory_ / "pytorch_model.bin.index.json";
  write_content(index, R"({"weight_map":{"b":"1.pt"}})");
  EXPECT_EQ(verify(index).verdict(), Verdict::damaged);
}

TEST_F(VerifyFile, UsesTheManifest) {
  const std::string content = saved({.manifest = Manifest::sha256});
  EXPECT_TRUE(verified(content).has_manifest);
  EXPECT_THAT(to_string(verified(content)), HasSubstr("SHA-256"));
}

TEST_F(VerifyFile, ThrowsForWhatIsNoModelAtAll) {
  EXPECT_ERROR(verified("learning rate 0.1\n"), ErrorCode::unsupported, HasSubstr("text file"));
  EXPECT_ERROR(verify(directory_ / "missing"), ErrorCode::not_found, HasSubstr("missing"));
}

TEST_F(VerifyFile, ReportsProgress) {
  saved();
  std::uint64_t last = 0, all = 0;
  verify(path_, {.progress = [&](std::uint64_t done, std::uint64_t total) {
           EXPECT_GE(done, last);
           last = done;
           all = total;
         }});
  EXPECT_EQ(last, all);
  EXPECT_GT(all, 32U);
}

TEST(VerifyRealFiles, AreOk) {
  const std::filesystem::path folder = shared_data("formats/small");
  SKIP_WITHOUT(folder);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const VerifyReport report = verify(entry.path());
    EXPECT_NE(report.verdict(), Verdict::damaged) << to_string(report);
  }
}

}  // namespace
}  // namespace torchkeep
