// The container of torch.save, read strictly.
#include "format/pt/read.h"

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <torchkeep/load.h>
#include <torchkeep/save.h>

#include <gmock/gmock.h>

#include "format/pickle/encode.h"
#include "format/pt/tensor_codec.h"
#include "io/atomic_file.h"
#include "support/counting_file_operations.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"
#include "support/zip_builder.h"

namespace torchkeep {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using ::testing::AllOf;
using testing::build_zip;
using testing::deflated;
using ::testing::HasSubstr;
using testing::stored;
using testing::TemporaryDirectory;
using testing::ZipEntry;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The records of a file that holds `value`, to be changed and built.
std::vector<ZipEntry> records_of(const Value& value) {
  pt::TensorEncoder tensors;
  std::vector<ZipEntry> records = {stored("m/data.pkl", pickle::encode(value, tensors.hooks()))};
  for (std::size_t key = 0; key < tensors.storages().size(); ++key) {
    records.push_back(
        stored("m/data/" + std::to_string(key), text_of(tensors.storages()[key].bytes())));
  }
  records.push_back(stored("m/version", "3\n"));
  return records;
}

Value load_zip(const std::vector<ZipEntry>& records, const LoadOptions& options = {}) {
  const TemporaryDirectory directory;
  io::write_file(directory / "m.pt", build_zip(records), Durability::cached);
  return load(directory / "m.pt", options);
}

Value sample() {
  return list({Tensor::of<float>({1.5, -2, 3}, {3}), Tensor::of<std::int16_t>({258, -1}, {2})});
}

TEST(PtRead, RefusesNamesThatAreOneForPyTorch) {
  std::vector<ZipEntry> records = records_of(sample());
  records.push_back(stored("m/DATA/0", "x"));
  EXPECT_ERROR(load_zip(records), ErrorCode::unsafe, HasSubstr("two records of this name"));
}

TEST(PtRead, ReadsUnalignedRecords) {
  for (std::size_t shift = 0; shift < 4; ++shift) {
    std::vector<ZipEntry> records = records_of(sample());
    records[0].local.extra =
        std::string("XX", 2) + static_cast<char>(shift) + '\0' + std::string(shift, 'x');
    for (const Access access : {Access::read, Access::map}) {
      const Value loaded = load_zip(records, {.access = access});
      EXPECT_TRUE(equal(loaded, sample()));
      const auto address =
          reinterpret_cast<std::uintptr_t>(loaded[0].as_tensor().storage().bytes().data());
      EXPECT_EQ(address % alignof(float), 0U);
    }
  }
}

TEST(PtRead, ReadsCompressedRecords) {
  const Tensor tensor(Storage::allocate(100'000), DType::uint8, {100'000});
  std::vector<ZipEntry> records = records_of(tensor);
  records[0] = deflated("m/data.pkl", records[0].data);
  records[1] = deflated("m/data/0", records[1].data);
  for (const Access access : {Access::read, Access::map}) {
    EXPECT_TRUE(equal(load_zip(records, {.access = access}), tensor));
  }
}

TEST(PtRead, SwapsTheBytesOfABigEndianMachine) {
  std::vector<ZipEntry> records = records_of(sample());
  records[1] = stored("m/data/0", "\x3f\xc0\0\0\xc0\0\0\0\x40\x40\0\0"s);
  records[2] = stored("m/data/1", "\x01\x02\xff\xff");
  records.push_back(stored("m/byteorder", "big"));
  for (const Access access : {Access::read, Access::map}) {
    EXPECT_TRUE(equal(load_zip(records, {.access = access}), sample()));
  }
}

TEST(PtRead, SwapsBothPartsOfAComplexNumber) {
  Storage storage = Storage::allocate(8, DType::complex64);
  const float parts[] = {1.5F, -2.0F};
  std::memcpy(storage.mutable_bytes().data(), parts, sizeof parts);
  const Tensor tensor(storage, DType::complex64, {1});
  std::vector<ZipEntry> records = records_of(tensor);
  records[1] = stored("m/data/0", "\x3f\xc0\0\0\xc0\0\0\0"s);
  records.push_back(stored("m/byteorder", "big"));
  EXPECT_TRUE(equal(load_zip(records), tensor));
}

TEST(PtRead, RefusesARecordOfAnotherSizeThanItsStorage) {
  for (const char* content : {"", "12345678901", "1234567890123"}) {
    std::vector<ZipEntry> records = records_of(sample());
    records[1] = stored("m/data/0", content);
    EXPECT_ERROR(load_zip(records), ErrorCode::corrupt,
                 AllOf(HasSubstr("m/data/0"), HasSubstr("another size")));
  }
}

TEST(PtRead, RefusesAStorageWithoutARecord) {
  std::vector<ZipEntry> records = records_of(sample());
  records.erase(records.begin() + 2);
  EXPECT_ERROR(load_zip(records), ErrorCode::corrupt, HasSubstr("no record data/1"));
}

TEST(PtRead, IgnoresRecordsThatItDoesNotKnow) {
  std::vector<ZipEntry> records = records_of(sample());
  records.push_back(stored("m/data/77", "unused"));
  records.push_back(stored("m/extra/notes.txt", "text"));
  EXPECT_TRUE(equal(load_zip(records), sample()));
}

TEST(PtRead, RefusesRecordsOutsideTheFolder) {
  std::vector<ZipEntry> records = records_of(sample());
  records.push_back(stored("other/data/0", "x"));
  EXPECT_ERROR(load_zip(records), ErrorCode::corrupt, HasSubstr("outside the folder"));
  records.back() = stored("data", "x");
  EXPECT_ERROR(load_zip(records), ErrorCode::corrupt, HasSubstr("outside the folder"));
}

TEST(PtRead, ReadsTheVersionsThatAreKnown) {
  const auto load_version = [](const std::string& version) {
    std::vector<ZipEntry> records = records_of(1);
    records.back() = stored("m/version", version);
    return load_zip(records);
  };
  for (const char* version : {"1", "3\n", "10\n"}) EXPECT_EQ(load_version(version).as_int(), 1);
  EXPECT_ERROR(load_version("11\n"), ErrorCode::unsupported, HasSubstr("version 11"));
  for (const char* version : {"", "0", "-1", "x", "3x", "3\n\n", "99999999999999999999"}) {
    EXPECT_ERROR(load_version(version), ErrorCode::corrupt, HasSubstr("m/version"));
  }
  std::vector<ZipEntry> records = records_of(1);
  records.back() = stored("m/.data/version", "8\n");
  EXPECT_EQ(load_zip(records).as_int(), 1);
  records.pop_back();
  EXPECT_ERROR(load_zip(records), ErrorCode::corrupt, HasSubstr("no record version"));
}

TEST(PtRead, RefusesAnUnknownByteOrder) {
  std::vector<ZipEntry> records = records_of(1);
  records.push_back(stored("m/byteorder", "middle"));
  EXPECT_ERROR(load_zip(records), ErrorCode::corrupt, HasSubstr("m/byteorder"));
}

TEST(PtRead, RefusesAPickleThatIsTooLongOrGoesOn) {
  std::vector<ZipEntry> records = records_of(1);
  LoadOptions options;
  options.limits.max_pickle_bytes = records[0].data.size() - 1;
  EXPECT_ERROR(load_zip(records, options), ErrorCode::unsafe, HasSubstr("max_pickle_bytes"));
  records[0] = stored("m/data.pkl", records[0].data + "more");
  EXPECT_ERROR(load_zip(records), ErrorCode::corrupt, HasSubstr("4 bytes follow"));
}

TEST(PtRead, ReadsNoTensorOfAFileThatItRefuses) {
  std::vector<ZipEntry> records =
      records_of(Tensor(Storage::allocate(5'000'000), DType::uint8, {5'000'000}));
  records[0] = stored("m/data.pkl", records[0].data.substr(0, records[0].data.size() - 1));
  const testing::CountingFileOperations operations;
  EXPECT_ERROR(load_zip(records), ErrorCode::corrupt, HasSubstr("data.pkl"));
  EXPECT_LE(operations.bytes_read(), 10'000U);
}

TEST(PtRead, VerifiesWhatItIsAskedTo) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "m.pt";
  save(Tensor::of<std::uint8_t>({'m', 'a', 'r', 'k'}, {4}), path);
  std::string bytes = io::read_file(path);
  bytes[bytes.find("mark")] = 'M';
  io::write_file(path, bytes, Durability::cached);
  EXPECT_ERROR(load(path), ErrorCode::corrupt, AllOf(HasSubstr("m/data/0"), HasSubstr("checksum")));
  EXPECT_NO_THROW(load(path, {.access = Access::map}));
  EXPECT_ERROR(load(path, {.access = Access::map, .verify = Verify::everything}),
               ErrorCode::corrupt, HasSubstr("m/data/0"));
  EXPECT_NO_THROW(load(path, {.verify = Verify::nothing}));
}

TEST(PtRead, NeverWritesToAMappedFile) {
  const TemporaryDirectory directory;
  save(sample(), directory / "m.pt");
  const std::string before = io::read_file(directory / "m.pt");
  const Value loaded = load(directory / "m.pt", {.access = Access::map});
  loaded[0].as_tensor().storage().mutable_bytes()[0] = std::byte{0x55};
  EXPECT_EQ(io::read_file(directory / "m.pt"), before);
}

// No bit of a file can flip without an error or the same value: what is not covered by a checksum
// is compared with a second copy of it, or means nothing.
TEST(PtRead, FindsEveryFlippedBit) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "m.pt";
  const Value value = dict({{"weights", Tensor::of<float>({1, 2, 3}, {3})}, {"epoch", 3}});
  save(value, path);
  const std::string whole = io::read_file(path);
  std::size_t found = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    io::write_file(path, flipped, Durability::cached);
    try {
      EXPECT_TRUE(equal(load(path), value)) << "bit " << bit;
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
      ++found;
    }
  }
  EXPECT_GT(found, whole.size());
}

}  // namespace
}  // namespace torchkeep
