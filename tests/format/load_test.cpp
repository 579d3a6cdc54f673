#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/load.h>
#include <torchkeep/save.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "format/format.h"
#include "format/load_file.h"
#include "io/atomic_file.h"
#include "support/counting_file_operations.h"
#include "support/expect_error.h"
#include "support/shared_data.h"
#include "support/temporary_directory.h"
#include "support/zip_builder.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using namespace std::literals;
using ::testing::AllOf;
using testing::build_zip;
using ::testing::HasSubstr;
using testing::shared_data;
using testing::stored;
using testing::TemporaryDirectory;

// Loads a file of that content, expecting an error.
void expect_refused(const std::string& content, ErrorCode code, const std::string& text) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "file";
  io::write_file(path, content, Durability::cached);
  EXPECT_ERROR(load(path), code, AllOf(HasSubstr(path.string()), HasSubstr(text)));
}

long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

TEST(Load, SaysWhatIsWrongWithTheFile) {
  const TemporaryDirectory directory;
  EXPECT_ERROR(load(directory / "missing.pt"), ErrorCode::not_found,
               AllOf(HasSubstr("missing.pt"), HasSubstr("no such file")));
  EXPECT_ERROR(load(directory.path()), ErrorCode::invalid_argument,
               HasSubstr("is a directory, and no distributed checkpoint"));
  expect_refused("", ErrorCode::corrupt, "the file is empty");
  expect_refused("epoch,loss\n1,0.5\n", ErrorCode::unsupported,
                 "this is a text file (it begins with \"epoch,loss\")");
  expect_refused("\x80\x02}q\0."s, ErrorCode::unsupported, "a bare pickle");
  expect_refused("\x89HDF\r\n\x1a\n"s, ErrorCode::unsupported,
                 "unknown (its first bytes are 89 48 44 46 0d 0a 1a 0a)");
}

TEST(Load, SaysThatATruncatedFileLooksTruncated) {
  const TemporaryDirectory directory;
  save(list({Tensor::of<float>({1, 2}, {2})}), directory / "m.pt");
  const std::string whole = io::read_file(directory / "m.pt");
  for (std::size_t size = 4; size < whole.size(); ++size) {
    io::write_file(directory / "m.pt", whole.substr(0, size), Durability::cached);
    EXPECT_ERROR(load(directory / "m.pt"), ErrorCode::corrupt, HasSubstr("truncated"));
  }
}

TEST(Load, OpensArchivesOfTorchScriptAndOfCppAsInertData) {
  const TemporaryDirectory directory;
  for (const auto& [class_name, format] : {std::pair{"Net", "torchscript"}, {"Module", "cpp"}}) {
    const std::string pickle =
        "\x80\x02" + fmt::format("c__torch__\n{}\n)\x81}}X\x08\0\0\0training\x88sb."sv, class_name);
    const fs::path path = directory / "m.pt";
    io::write_file(path,
                   build_zip({stored("m/data.pkl", pickle), stored("m/constants.pkl", "\x80\x02)."),
                              stored("m/version", "3\n")}));
    const Probe probe(path);
    EXPECT_EQ(detect_format(probe).name, format);
    const Value module = load(path);
    EXPECT_EQ(module.as_object().class_path(), fmt::format("__torch__.{}", class_name));
  }
}

TEST(Load, NamesTheScriptArchivesThatDescribeThemselvesInJson) {
  expect_refused(build_zip({stored("m/version", "1\n"), stored("m/model.json", "{}"),
                            stored("m/tensors/0", "1234")}),
                 ErrorCode::unsupported,
                 "model.json: this is a TorchScript archive of PyTorch 1.0 or 1.1");
}

TEST(Load, RefusesAZipArchiveOfAnotherKind) {
  expect_refused(build_zip({stored("a/b.txt", "text"), stored("a/c.txt", "text")}),
                 ErrorCode::unsupported, "a zip archive, but not one of torch.save");
}

TEST(Load, FormatsHaveDistinctNames) {
  std::vector<std::string_view> names;
  for (const Format& format : formats()) names.push_back(format.name);
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

TEST(Load, ReadsAFileOnce) {
  const TemporaryDirectory directory;
  save(list({Tensor(Storage::allocate(9'000'000), DType::uint8, {9'000'000}), 1}),
       directory / "m.pt");
  const testing::CountingFileOperations operations;
  load(directory / "m.pt");
  EXPECT_LE(operations.bytes_read(), 9'010'000U);
}

TEST(Load, ReadsLittleOfAFileThatItMaps) {
  const TemporaryDirectory directory;
  save(list({Tensor(Storage::allocate(9'000'000), DType::uint8, {9'000'000}), 1}),
       directory / "m.pt");
  const testing::CountingFileOperations operations;
  load(directory / "m.pt", {.access = Access::map});
  EXPECT_LE(operations.bytes_read(), 10'000U);
}

TEST(Load, ReadsManySmallTensorsWithFewSystemCalls) {
  const TemporaryDirectory directory;
  List items;
  for (int i = 0; i < 2000; ++i) items.push_back(Tensor::of<std::int32_t>({i}, {1}));
  save(items, directory / "m.pt");
  const testing::CountingFileOperations operations;
  EXPECT_EQ(load(directory / "m.pt")[1999].as_tensor().item_as_double(), 1999.0);
  EXPECT_LE(operations.reads(), 40U);
}

// A first touch of memory in small pages takes longer than reading the file.
TEST(Load, TouchesFewPages) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer has pages of its own";
#endif
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  const std::string setting{std::istreambuf_iterator<char>(file), {}};
  if (setting.empty() || setting.find("[never]") != std::string::npos) {
    GTEST_SKIP() << "this system has no transparent huge pages";
  }
  const TemporaryDirectory directory;
  constexpr std::int64_t kBytes = std::int64_t{64} << 20;
  save(list({Tensor(Storage::allocate(kBytes), DType::uint8, {kBytes})}), directory / "m.pt",
       {.durability = Durability::cached});
  for (const Access access : {Access::map, Access::read}) {
    const long before = page_faults();
    const Value loaded = load(directory / "m.pt", {.access = access});
    EXPECT_LE(page_faults() - before, 1000);  // 16,384 pages of 4 KiB
  }
}

TEST(LoadRealFiles, OpensAllOfThem) {
  const fs::path root = shared_data("formats");
  SKIP_WITHOUT(root);
  std::size_t opened = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    ++opened;
    const Value read = load(entry.path(), {.access = Access::read});
    const Value mapped = load(entry.path(), {.access = Access::map});
    EXPECT_TRUE(equal(read, mapped)) << entry.path();
  }
  EXPECT_GE(opened, 35U);
}

TEST(LoadRealFiles, DetectsWhatTheyAre) {
  SKIP_WITHOUT(shared_data("formats"));
  const std::vector<std::pair<const char*, const char*>> files = {
      {"formats/silero_vad.jit", "torchscript"},
      {"formats/silero_vad_16k.safetensors", "safetensors"},
      {"formats/small/test.npz", "npz"},
      {"formats/small/foo1.pt", "torchscript"},
      {"formats/lpips-v0.0-vgg-python2.pth", "pt-legacy"},
      {"formats/version-RFB-320.pth", "pt-legacy"},
      {"formats/lightning-last.ckpt", "pt"},
      {"weights/resnet20-12fca82f.th", "pt-legacy"},
      {"weights/mobilenetV1X0.25_pretrain.tar", "pt-legacy"},
  };
  for (const auto& [name, format] : files) {
    const Probe probe(shared_data(name));
    EXPECT_EQ(detect_format(probe).name, format) << name;
  }
}

TEST(LoadRealFiles, GivesNothingOfAHostileFileButInertData) {
  const fs::path root = shared_data("hostile");
  SKIP_WITHOUT(root);
  for (const fs::directory_entry& entry : fs::directory_iterator(root)) {
    SCOPED_TRACE(entry.path().filename());
    try {
      const LoadedFile file = load_file(entry.path(), {});
      // A class that is named is data; it is listed, and nothing of it has run.
      EXPECT_THAT(file.format, ::testing::StartsWith("pt"));
      EXPECT_FALSE(file.content.globals.empty());
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(entry.path().string()));
      EXPECT_NE(error.code(), ErrorCode::internal);
    }
  }
}

}  // namespace
}  // namespace torchkeep
