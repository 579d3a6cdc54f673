#include "format/zip/image.h"

#include <memory>
#include <string>

#include <gmock/gmock.h>

#include "format/zip/writer.h"
#include "io/atomic_file.h"
#include "io/memory.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep::zip {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryDirectory;

std::string pattern(std::size_t size, std::size_t seed) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    text[i] = static_cast<char>((i * 31 + i / 251 + seed) % 256);
  return text;
}

// An archive with large records, small ones and an empty one.
class Archive {
 public:
  Archive() {
    io::AtomicFile file(directory_ / "a");
    Writer writer([&](std::span<const std::byte> bytes) { file.write(bytes); }, "r");
    for (std::size_t i = 0; i < kRecords; ++i) writer.add(std::to_string(i), content(i));
    writer.finish();
    file.commit(Durability::cached);
  }

  static constexpr std::size_t kRecords = 60;
  static std::string content(std::size_t i) {
    return pattern(i % 20 == 3 ? 9'000'000 + i : i * 97, i);
  }
  Reader reader() const {
    return Reader(std::make_shared<const io::InputFile>(directory_ / "a"), {});
  }
  std::filesystem::path path() const { return directory_ / "a"; }

 private:
  TemporaryDirectory directory_;
};

std::vector<const Record*> pointers(const Reader& reader) {
  std::vector<const Record*> records;
  for (const Record& record : reader.records()) records.push_back(&record);
  return records;
}

std::string_view part(const Image& image, const Record& record) {
  return {reinterpret_cast<const char*>(image.memory.data()) + (record.data_offset - image.begin),
          static_cast<std::size_t>(record.bytes)};
}

TEST(ZipImage, ReadsRecordsOfAllSizes) {
  const Archive archive;
  const Reader reader = archive.reader();
  for (const int threads : {1, 3}) {
    const io::HugeBuffer buffer(reader.file().size());
    const Image image{0, buffer.bytes()};
    read_records(reader.file(), pointers(reader), image, threads, Checksum::verify);
    for (std::size_t i = 0; i < Archive::kRecords; ++i) {
      ASSERT_EQ(part(image, reader.records()[i]), Archive::content(i)) << i;
    }
    verify_records(pointers(reader), image, threads);
  }
}

TEST(ZipImage, ReadsOnlyWhatIsAskedFor) {
  const Archive archive;
  const Reader reader = archive.reader();
  const io::HugeBuffer buffer(reader.file().size());
  const Image image{0, buffer.bytes()};
  read_records(reader.file(), {&reader.records()[3], &reader.records()[50]}, image, 2,
               Checksum::verify);
  EXPECT_EQ(part(image, reader.records()[3]), Archive::content(3));
  EXPECT_EQ(part(image, reader.records()[50]), Archive::content(50));
  EXPECT_EQ(part(image, reader.records()[23]), std::string(Archive::content(23).size(), '\0'));
}

TEST(ZipImage, NamesTheDamagedRecord) {
  const Archive archive;
  std::string bytes = io::read_file(archive.path());
  bytes[archive.reader().records()[23].data_offset + 5'000'000] ^= 1;
  io::write_file(archive.path(), bytes, Durability::cached);
  const Reader reader = archive.reader();
  const io::HugeBuffer buffer(reader.file().size());
  const Image image{0, buffer.bytes()};
  EXPECT_ERROR(read_records(reader.file(), pointers(reader), image, 2, Checksum::verify),
               ErrorCode::corrupt, HasSubstr("r/23: the bytes are damaged"));
  EXPECT_ERROR(verify_records(pointers(reader), image, 2), ErrorCode::corrupt, HasSubstr("r/23"));
  read_records(reader.file(), pointers(reader), image, 2, Checksum::ignore);
}

}  // namespace
}  // namespace torchkeep::zip
