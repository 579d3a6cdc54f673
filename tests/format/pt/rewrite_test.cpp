#include "format/pt/rewrite.h"

#include <filesystem>
#include <memory>
#include <string>

#include <torchkeep/load.h>
#include <torchkeep/save.h>

#include <gmock/gmock.h>

#include "format/pt/layout.h"
#include "io/atomic_file.h"
#include "support/expect_error.h"
#include "support/shared_data.h"
#include "support/temporary_directory.h"
#include "support/zip_builder.h"

namespace torchkeep::pt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::shared_data;

const Value kValue = dict({{"a", Tensor::of<float>({1, 2}, {2})}, {"n", 1}});

TEST(Rewrite, GivesTheSameBytesInEveryLayout) {
  testing::TemporaryDirectory directory;
  for (const Layout layout : {Layout::latest, Layout::torch_1_13, Layout::torch_2_1}) {
    for (const torchkeep::Manifest manifest :
         {torchkeep::Manifest::none, torchkeep::Manifest::sha256}) {
      save(kValue, directory / "a.pt", {.layout = layout, .manifest = manifest});
      rewrite_file(directory / "a.pt", directory / "b.pt", Durability::cached);
      EXPECT_EQ(io::read_file(directory / "a.pt"), io::read_file(directory / "b.pt"));
      rewrite_file(directory / "a.pt", directory / "a.pt", Durability::cached);
      EXPECT_EQ(io::read_file(directory / "a.pt"), io::read_file(directory / "b.pt"));
    }
  }
}

TEST(Rewrite, GivesTheSameBytesForFilesOfPyTorch) {
  SKIP_WITHOUT(shared_data("formats"));
  testing::TemporaryDirectory directory;
  std::size_t tried = 0;
  for (const char* name : {"lightning-last.ckpt", "ppo-cartpole-address-keys.pth",
                           "ai8x-test-mnist.pth.tar", "silero_vad.jit"}) {
    const fs::path from = shared_data("formats") / name;
    if (!io::read_file(from).starts_with("PK")) continue;  // of before PyTorch 1.6
    rewrite_file(from, directory / "b", Durability::cached);
    EXPECT_TRUE(io::read_file(from) == io::read_file(directory / "b")) << name;
    ++tried;
  }
  EXPECT_GE(tried, 3U);
}

TEST(Rewrite, KeepsTheAlignmentThatTheArchiveNames) {
  testing::TemporaryDirectory directory;
  io::write_file(directory / "a.pt",
                 testing::build_zip({testing::stored("m/data.pkl", "\x80\x02N."),
                                     testing::stored("m/.storage_alignment", "4096"),
                                     testing::stored("m/data/0", "abcd"),
                                     testing::stored("m/version", "3\n")}));
  rewrite_file(directory / "a.pt", directory / "b.pt");
  const zip::Reader reader(std::make_shared<const io::InputFile>(directory / "b.pt"), {});
  EXPECT_EQ(reader.find("m/data/0")->data_offset % 4096, 0U);
  const std::string once = io::read_file(directory / "b.pt");
  rewrite_file(directory / "b.pt", directory / "b.pt");
  EXPECT_EQ(io::read_file(directory / "b.pt"), once);
}

TEST(Rewrite, RefusesDamagedRecordsAndLeavesTheTarget) {
  testing::TemporaryDirectory directory;
  testing::ZipEntry damaged = testing::stored("m/data/0", "abcd");
  damaged.data = "abcx";
  testing::ZipEntry compressed = testing::deflated("m/data/0", std::string(1000, 'a'));
  compressed.data[2] ^= 1;
  for (const testing::ZipEntry& entry : {damaged, compressed}) {
    io::write_file(directory / "a.pt",
                   testing::build_zip({testing::stored("m/data.pkl", "\x80\x02N."), entry,
                                       testing::stored("m/version", "3\n")}));
    io::write_file(directory / "b.pt", "old");
    EXPECT_ERROR(rewrite_file(directory / "a.pt", directory / "b.pt"), ErrorCode::corrupt,
                 ::testing::AllOf(HasSubstr("a.pt"), HasSubstr("m/data/0")));
    EXPECT_EQ(io::read_file(directory / "b.pt"), "old");
  }
}

TEST(Rewrite, RefusesWhatIsNoArchive) {
  testing::TemporaryDirectory directory;
  io::write_file(directory / "a.pt", "no archive at all");
  EXPECT_ERROR(rewrite_file(directory / "a.pt", directory / "b.pt"), ErrorCode::unsupported,
               HasSubstr("a.pt"));
  EXPECT_FALSE(fs::exists(directory / "b.pt"));
}

TEST(LayoutOf, TellsTheLayoutsApart) {
  testing::TemporaryDirectory directory;
  for (const Layout layout : {Layout::latest, Layout::torch_1_13, Layout::torch_2_1}) {
    save(kValue, directory / "a.pt", {.layout = layout});
    const zip::Reader reader(std::make_shared<const io::InputFile>(directory / "a.pt"), {});
    EXPECT_EQ(layout_of(Archive(reader)), layout);
    EXPECT_TRUE(equal(load(directory / "a.pt"), kValue));
  }
}

}  // namespace
}  // namespace torchkeep::pt
