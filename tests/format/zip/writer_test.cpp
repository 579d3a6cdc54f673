#include "format/zip/writer.h"

#include <filesystem>
#include <memory>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "base/byte_reader.h"
#include "format/zip/layout.h"
#include "format/zip/reader.h"
#include "io/atomic_file.h"
#include "io/checksum.h"
#include "io/memory.h"
#include "io/window.h"
#include "support/temporary_directory.h"

namespace torchkeep::zip {
namespace {

using testing::TemporaryDirectory;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string archive_of(const std::vector<std::pair<std::string, std::string>>& records) {
  std::string archive;
  Writer writer([&](std::span<const std::byte> bytes) { archive += text_of(bytes); }, "model");
  for (const auto& [name, content] : records) writer.add(name, content);
  writer.finish();
  return archive;
}

ByteReader reader_of(const std::string& archive, std::size_t offset = 0) {
  return ByteReader(std::as_bytes(std::span(archive)).subspan(offset));
}

TEST(ZipWriter, WritesTheLocalHeaderAsPyTorchDoes) {
  const std::string archive = archive_of({{"data.pkl", "abc"}});
  ByteReader reader = reader_of(archive);
  EXPECT_EQ(reader.u32(), kLocalHeader);
  EXPECT_EQ(reader.u16(), 0U);       // version needed
  EXPECT_EQ(reader.u16(), 0x0808U);  // flags
  EXPECT_EQ(reader.u16(), 0U);       // method
  EXPECT_EQ(reader.u32(), 0U);       // time and date
  EXPECT_EQ(reader.u32(), 0U);       // checksum
  EXPECT_EQ(reader.u64(), 0U);       // both sizes
  EXPECT_EQ(reader.u16(), 14U);      // name
  EXPECT_EQ(reader.u16(), 20U);      // extra
  EXPECT_EQ(reader.text(14), "model/data.pkl");
  EXPECT_EQ(reader.text(4), std::string("FB\x10\0", 4));
  EXPECT_EQ(reader.text(16), std::string(16, 'Z'));
  EXPECT_EQ(reader.position(), 64U);
  EXPECT_EQ(reader.text(3), "abc");
  EXPECT_EQ(reader.u32(), kDescriptor);
  EXPECT_EQ(reader.u32(), 0x352441C2U);  // of "abc"
  EXPECT_EQ(reader.u32(), 3U);
  EXPECT_EQ(reader.u32(), 3U);
}

TEST(ZipWriter, WritesTheDirectoryAndBothEnds) {
  const std::string archive = archive_of({{"a", "abc"}, {"empty", ""}});
  const std::size_t end = archive.size() - kEndBytes;
  ByteReader short_end = reader_of(archive, end);
  EXPECT_EQ(short_end.u32(), kEnd);
  EXPECT_EQ(short_end.u32(), 0U);
  EXPECT_EQ(short_end.u16(), 2U);
  EXPECT_EQ(short_end.u16(), 2U);
  const std::uint32_t directory_bytes = short_end.u32();
  const std::uint32_t directory_offset = short_end.u32();
  EXPECT_EQ(short_end.u16(), 0U);
  EXPECT_EQ(directory_bytes, 2 * kCentralHeaderBytes + 7 + 11);

  const std::size_t zip64_end = directory_offset + directory_bytes;
  EXPECT_EQ(zip64_end + kZip64EndBytes + kZip64LocatorBytes, end);
  ByteReader long_end = reader_of(archive, zip64_end);
  EXPECT_EQ(long_end.u32(), kZip64End);
  EXPECT_EQ(long_end.u64(), 44U);
  EXPECT_EQ(long_end.u16(), 0x031EU);
  EXPECT_EQ(long_end.u16(), 45U);
  EXPECT_EQ(long_end.u64(), 0U);
  EXPECT_EQ(long_end.u64(), 2U);
  EXPECT_EQ(long_end.u64(), 2U);
  EXPECT_EQ(long_end.u64(), directory_bytes);
  EXPECT_EQ(long_end.u64(), directory_offset);
  EXPECT_EQ(long_end.u32(), kZip64Locator);
  EXPECT_EQ(long_end.u32(), 0U);
  EXPECT_EQ(long_end.u64(), zip64_end);
  EXPECT_EQ(long_end.u32(), 1U);

  ByteReader central = reader_of(archive, directory_offset);
  EXPECT_EQ(central.u32(), kCentralHeader);
  EXPECT_EQ(central.u32(), 0U);       // versions
  EXPECT_EQ(central.u16(), 0x0808U);  // flags
  EXPECT_EQ(central.u16(), 0U);
  EXPECT_EQ(central.u32(), 0U);
  EXPECT_EQ(central.u32(), 0x352441C2U);
  EXPECT_EQ(central.u32(), 3U);
  EXPECT_EQ(central.u32(), 3U);
  EXPECT_EQ(central.u16(), 7U);
  EXPECT_EQ(central.bytes(12).size(), 12U);
  EXPECT_EQ(central.u32(), 0U);  // offset
  EXPECT_EQ(central.text(7), "model/a");
  EXPECT_EQ(central.u32(), kCentralHeader);
  EXPECT_EQ(central.u32(), 0U);
  EXPECT_EQ(central.u16(), 0x0800U);  // an empty record has no descriptor
}

TEST(ZipWriter, AlignsTheDataOfEveryRecord) {
  std::vector<std::pair<std::string, std::string>> records;
  for (std::size_t i = 0; i < 200; ++i) {
    records.emplace_back("n" + std::string(i % 70, 'x') + std::to_string(i), std::string(i, 'd'));
  }
  records.emplace_back("large", std::string(3'000'000, 'L'));
  records.emplace_back("last", "last");
  const TemporaryDirectory directory;
  io::write_file(directory / "a", archive_of(records), Durability::cached);
  const Reader reader(std::make_shared<const io::InputFile>(directory / "a"), {});
  ASSERT_EQ(reader.records().size(), records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(reader.records()[i].name, "model/" + records[i].first);
    EXPECT_EQ(reader.records()[i].data_offset % 64, 0U);
    EXPECT_EQ(text_of(reader.read(reader.records()[i])), records[i].second);
  }
}

TEST(ZipWriter, GathersSmallRecords) {
  std::size_t writes = 0;
  Writer writer([&](std::span<const std::byte>) { ++writes; }, "model");
  for (int i = 0; i < 1000; ++i) writer.add(std::to_string(i), std::string(100, 'x'));
  writer.finish();
  EXPECT_LE(writes, 2U);
}

// A file with a hole for each run of zeros.
class SparseFile {
 public:
  explicit SparseFile(const std::filesystem::path& path)
      : descriptor_(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600)) {}
  ~SparseFile() { close(descriptor_); }
  SparseFile(const SparseFile&) = delete;
  SparseFile& operator=(const SparseFile&) = delete;

  bool write(std::span<const std::byte> bytes) {
    if (bytes.size() == std::size_t{1} << 20 && bytes[0] == std::byte{0}) {
      return lseek(descriptor_, static_cast<off_t>(bytes.size()), SEEK_CUR) >= 0;
    }
    return ::write(descriptor_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  }

 private:
  int descriptor_;
};

TEST(ZipWriter, WritesRecordsAndOffsetsBeyondFourGigabytes) {
  constexpr std::uint64_t kLarge = (std::uint64_t{4} << 30) + (1 << 20);
  const TemporaryDirectory directory;
  {
    const io::HugeBuffer zeros(kLarge);
    SparseFile file(directory / "a");
    Writer writer([&](std::span<const std::byte> bytes) { ASSERT_TRUE(file.write(bytes)); },
                  "model");
    writer.add("large", zeros.bytes().first(kLarge));
    writer.add("beyond", "abc");
    writer.add("empty", "");
    writer.finish();
  }
  const Reader reader(std::make_shared<const io::InputFile>(directory / "a"), {});
  ASSERT_EQ(reader.records().size(), 3U);
  EXPECT_EQ(reader.records()[0].bytes, kLarge);
  EXPECT_EQ(text_of(reader.read(*reader.find("model/beyond"))), "abc");
  EXPECT_EQ(reader.find("model/empty")->bytes, 0U);

  io::Window window(reader.file());
  const std::uint64_t header = reader.records()[1].header_offset;
  ASSERT_GT(header, kLarge);
  ByteReader descriptor(window.view(header - kZip64DescriptorBytes, kZip64DescriptorBytes));
  EXPECT_EQ(descriptor.u32(), kDescriptor);
  EXPECT_EQ(descriptor.u32(), reader.records()[0].crc32);
  EXPECT_EQ(descriptor.u64(), kLarge);
  EXPECT_EQ(descriptor.u64(), kLarge);

  ByteReader first(window.view(30 + 11, 20));
  EXPECT_EQ(first.u16(), kZip64Extra);
  EXPECT_EQ(first.u16(), 16U);
  EXPECT_EQ(first.u64(), kLarge);
  EXPECT_EQ(first.u64(), 0U);

  ByteReader beyond(window.view(header + 30 + 12, 12));
  EXPECT_EQ(beyond.u16(), kZip64Extra);
  EXPECT_EQ(beyond.u16(), 8U);
  EXPECT_EQ(beyond.u64(), header);
  EXPECT_EQ(reader.records()[1].data_offset % 64, 0U);
}

TEST(ZipWriter, JoinsPartsAndNeedsNoFolder) {
  const TemporaryDirectory directory;
  std::string archive;
  Writer writer([&](std::span<const std::byte> bytes) { archive += text_of(bytes); }, "");
  const std::string first = "first ", second(300'000, 'x');
  writer.add("r", {std::as_bytes(std::span(first)), std::as_bytes(std::span(second))});
  writer.finish();
  io::write_file(directory / "a.zip", archive);
  const Reader reader(std::make_shared<const io::InputFile>(directory / "a.zip"), {});
  ASSERT_NE(reader.find("r"), nullptr);
  EXPECT_EQ(text_of(reader.read(*reader.find("r"))), first + second);
}

}  // namespace
}  // namespace torchkeep::zip
