#include "format/pt/write.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "format/pt/root_name.h"
#include "format/pt/serialization_id.h"
#include "format/zip/reader.h"
#include "format/zip/writer.h"
#include "io/atomic_file.h"
#include "support/expect_error.h"
#include "support/shared_data.h"

namespace torchkeep::pt {
namespace {

namespace fs = std::filesystem;
using testing::shared_data;

TEST(RootName, IsWhatTorchSaveChooses) {
  for (const auto& [path, root] :
       std::vector<std::pair<const char*, const char*>>{{"a.b.pt", "a.b"},
                                                        {"dir/x.pth.tar", "x.pth"},
                                                        {"a.", "a"},
                                                        {"noextension", "noextension"},
                                                        {".hidden.pt", ".hidden"},
                                                        {"with space.pt", "with space"},
                                                        {"C:\\dir\\m.pt", "m"}}) {
    EXPECT_EQ(root_name(path, Layout::latest), root);
    EXPECT_EQ(root_name(path, Layout::torch_1_13), root);
  }
}

TEST(RootName, DependsOnTheLayoutForPathsThatAreNotAscii) {
  EXPECT_EQ(root_name("\xEB\xAA\xA8\xEB\x8D\xB8.pt", Layout::latest), "archive");
  EXPECT_EQ(root_name("\xEB\xAA\xA8\xEB\x8D\xB8/m.pt", Layout::latest), "archive");
  EXPECT_EQ(root_name("\xEB\xAA\xA8\xEB\x8D\xB8.pt", Layout::torch_1_13),
            "\xEB\xAA\xA8\xEB\x8D\xB8");
}

TEST(RootName, IsArchiveWhereTheNameWouldNotBeSafe) {
  for (const char* path : {"...pt", "a\nb.pt", "\xff.pt"}) {
    EXPECT_EQ(root_name(path, Layout::torch_1_13), "archive") << path;
  }
  EXPECT_ERROR(root_name("dir/.pt", Layout::latest), ErrorCode::invalid_argument,
               ::testing::HasSubstr("no name before its extension"));
}

// A file that PyTorch wrote, taken apart.
struct RealArchive {
  fs::path path;
  std::string root;
  std::vector<std::pair<std::string, std::string>> records;  // without the root
};

std::vector<RealArchive> stored_archives_of_pytorch() {
  std::vector<RealArchive> archives;
  for (const fs::directory_entry& entry :
       fs::recursive_directory_iterator(shared_data("formats"))) {
    if (!entry.is_regular_file() || !io::read_file(entry.path()).starts_with("PK")) continue;
    const zip::Reader reader(std::make_shared<const io::InputFile>(entry.path()), {});
    const auto is_plain = [](const zip::Record& record) {
      return record.method == zip::Method::stored && (record.flags & 0x0800) != 0;
    };
    if (!std::ranges::all_of(reader.records(), is_plain)) continue;
    RealArchive archive{entry.path(), "", {}};
    for (const zip::Record& record : reader.records()) {
      const std::size_t slash = record.name.find('/');
      archive.root = record.name.substr(0, slash);
      const std::vector<std::byte> bytes = reader.read(record);
      archive.records.emplace_back(
          record.name.substr(slash + 1),
          std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    }
    archives.push_back(std::move(archive));
  }
  return archives;
}

TEST(RealArchives, AreRebuiltByteForByte) {
  SKIP_WITHOUT(shared_data("formats"));
  const std::vector<RealArchive> archives = stored_archives_of_pytorch();
  EXPECT_GE(archives.size(), 25U);
  for (const RealArchive& archive : archives) {
    std::string rebuilt;
    zip::Writer writer(
        [&](std::span<const std::byte> bytes) {
          rebuilt.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        },
        archive.root);
    for (const auto& [name, content] : archive.records) writer.add(name, content);
    writer.finish();
    EXPECT_TRUE(rebuilt == io::read_file(archive.path)) << archive.path;
  }
}

TEST(RealArchives, HaveTheSerializationIdThatWeCompute) {
  SKIP_WITHOUT(shared_data("formats"));
  std::size_t equal_checksums = 0;
  std::size_t equal_names = 0;
  std::size_t with_id = 0;
  for (const RealArchive& archive : stored_archives_of_pytorch()) {
    zip::Writer writer([](std::span<const std::byte>) {}, archive.root);
    for (const auto& [name, content] : archive.records) {
      if (name == ".data/serialization_id") {
        const std::string id = serialization_id(writer.entries());
        ++with_id;
        equal_checksums += id.substr(20) == content.substr(20) ? 1 : 0;
        equal_names += id.substr(0, 20) == content.substr(0, 20) ? 1 : 0;
      }
      writer.add(name, content);
    }
  }
  EXPECT_GE(with_id, 20U);
  EXPECT_EQ(equal_checksums, with_id);
  // The hash of the names is that of the system that wrote the file; one at least was Linux.
  EXPECT_GE(equal_names, 1U);
}

}  // namespace
}  // namespace torchkeep::pt
