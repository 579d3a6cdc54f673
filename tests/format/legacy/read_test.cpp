// Files of torch.save before PyTorch 1.6, built by hand.
#include "format/legacy/read.h"

#include <cstring>
#include <string>
#include <vector>

#include <torchkeep/load.h>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "format/legacy/legacy_file.h"
#include "format/load_file.h"
#include "io/atomic_file.h"
#include "support/expect_error.h"
#include "support/shared_data.h"
#include "support/temporary_directory.h"
#include "support/zip_builder.h"

namespace torchkeep {
namespace {

using namespace std::string_literals;
using ::testing::AllOf;
using testing::build_zip;
using testing::deflated;
using testing::encoded_keys;
using ::testing::HasSubstr;
using testing::legacy_file;
using testing::LegacyFile;
using testing::pickle;
using testing::shared_data;
using testing::stored;
using testing::TemporaryDirectory;

Value load_bytes(const std::string& bytes, const LoadOptions& options = {}) {
  const TemporaryDirectory directory;
  io::write_file(directory / "m.pt", bytes, Durability::cached);
  return load(directory / "m.pt", options);
}

Value load_both_ways(const std::string& bytes) {
  const Value read = load_bytes(bytes, {.access = Access::read});
  EXPECT_TRUE(equal(load_bytes(bytes, {.access = Access::map}), read));
  return read;
}

void expect_refused(const std::string& bytes, ErrorCode code, const std::string& text) {
  for (const Access access : {Access::read, Access::map}) {
    EXPECT_ERROR(load_bytes(bytes, {.access = access}), code,
                 AllOf(HasSubstr("m.pt"), HasSubstr(text)));
  }
}

Value sample() {
  return list({Tensor::of<float>({1.5, -2, 3}, {3}), Tensor::of<std::int16_t>({258, -1}, {2})});
}

// A persistent id on the stack, from text of which each \n ends a part.
std::string storage_id(const std::string& storage_class,
                       const std::string& key,
                       char count,
                       const std::string& view) {
  const auto text = [](const std::string& s) { return "U" + std::string(1, char(s.size())) + s; };
  return "(" + text("storage") + "ctorch\n" + storage_class + "\n" + text(key) + text("cpu") + "K" +
         count + view + "tQ";
}

// The object is one storage.
LegacyFile storage_file(const std::string& id, const std::string& data, std::uint64_t count) {
  LegacyFile file;
  file.object = "\x80\x02" + id + ".";
  file.keys = encoded_keys({"7"});
  file.storages = {{count, data}};
  return file;
}

std::string text_of(const Storage& storage) {
  return {reinterpret_cast<const char*>(storage.bytes().data()), storage.bytes().size()};
}

TEST(LegacyRead, ReadsWhatWasSaved) {
  EXPECT_TRUE(equal(load_both_ways(legacy_file(sample()).bytes()), sample()));
  EXPECT_TRUE(equal(load_both_ways(legacy_file(3).bytes()), Value(3)));
}

TEST(LegacyRead, AlignsWhatLiesUnaligned) {
  for (std::size_t shift = 0; shift < 8; ++shift) {
    const Value value = tuple({Value(std::string(shift, 'x')), Tensor::of<float>({1, 2}, {2}),
                               Tensor::of<double>({0.5}, {1})});
    const std::string bytes = legacy_file(value).bytes();
    for (const Access access : {Access::read, Access::map}) {
      const Value loaded = load_bytes(bytes, {.access = access});
      EXPECT_TRUE(equal(loaded, value));
      const auto address = [&](int i) {
        return reinterpret_cast<std::uintptr_t>(loaded[i].as_tensor().storage().bytes().data());
      };
      EXPECT_EQ(address(1) % alignof(float), 0U);
      EXPECT_EQ(address(2) % alignof(double), 0U);
    }
  }
}

TEST(LegacyRead, ReadsEveryByteOfManySmallAndSomeLargeStorages) {
  List items;
  for (std::size_t i = 0; i < 10; ++i) {
    const std::uint64_t bytes = i % 3 == 2 ? 9'000'001 + i : 1 + 7 * i;
    const Storage storage = Storage::allocate(bytes, DType::uint8);
    for (std::size_t k = 0; k < bytes; ++k) {
      storage.mutable_bytes()[k] = static_cast<std::byte>(k * k / 7 + i);
    }
    items.push_back(Tensor(storage, DType::uint8, {static_cast<std::int64_t>(bytes)}));
  }
  const std::string bytes = legacy_file(items).bytes();
  for (const int threads : {1, 3}) {
    EXPECT_TRUE(equal(load_bytes(bytes, {.threads = threads}), Value(items)));
  }
}

TEST(LegacyRead, SharesTheStoragesThatWereShared) {
  const Storage storage = Storage::allocate(16, DType::float32);
  const Value loaded =
      load_both_ways(legacy_file(list({Tensor(storage, DType::float32, {4}),
                                       Tensor(storage, DType::float32, {2}, {2}, 1)}))
                         .bytes());
  EXPECT_TRUE(loaded[0].as_tensor().storage().shares_memory_with(loaded[1].as_tensor().storage()));
  EXPECT_EQ(loaded[1].as_tensor().strides(), Shape{2});
}

TEST(LegacyRead, ReadsEveryProtocolOfTheHeader) {
  LegacyFile file = legacy_file(sample());
  const std::vector<std::pair<std::string, std::string>> headers = {
      {"L119547037146038801333356L\n.", "I1001\n."},
      {"L119547037146038801333356L\n.", "M\xe9\x03."},
      {pickle("\x80\x03\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19."), pickle("\x80\x03M\xe9\x03.")},
      {pickle("\x80\x04\x95\x0d\0\0\0\0\0\0\0\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19."),
       pickle("\x80\x04\x95\x04\0\0\0\0\0\0\0M\xe9\x03.")},
  };
  for (const auto& [magic, protocol] : headers) {
    file.magic = magic;
    file.protocol = protocol;
    EXPECT_TRUE(equal(load_both_ways(file.bytes()), sample()));
  }
}

TEST(LegacyRead, ReadsViewsOfStorages) {
  const std::string root = storage_id("ShortStorage", "7", 4, "N");
  const std::string view = storage_id("ShortStorage", "7", 4, "(U\x02v1K\x01K\x02t");
  const std::string other = storage_id("ShortStorage", "7", 4, "(U\x02v2K\x04K\x00t"s);
  const LegacyFile file = storage_file("(" + view + root + view + other + "t", "aAbBcCdD", 4);
  const Value loaded = load_both_ways(file.bytes());
  EXPECT_EQ(text_of(loaded[0].as_storage()), "bBcC");
  EXPECT_EQ(text_of(loaded[1].as_storage()), "aAbBcCdD");
  EXPECT_EQ(loaded[0].identity(), loaded[2].identity());
  EXPECT_EQ(loaded[3].as_storage().size_bytes(), 0U);
  loaded[1].as_storage().mutable_bytes()[2] = std::byte{'x'};
  EXPECT_EQ(text_of(loaded[0].as_storage()), "xBcC");
}

TEST(LegacyRead, RefusesViewsThatLeaveTheirStorage) {
  for (const std::string& bounds :
       {"K\x03K\x02"s, "K\x05K\x00"s, "J\xff\xff\xff\xffK\x01"s, "K\x00J\xff\xff\xff\xff"s}) {
    const LegacyFile file =
        storage_file(storage_id("ShortStorage", "7", 4, "(U\x01v" + bounds + "t"), "aAbBcCdD", 4);
    expect_refused(file.bytes(), ErrorCode::corrupt, "a view of a storage leaves it");
  }
  expect_refused(
      storage_file(storage_id("ShortStorage", "7", 4, "(U\x01vNNt"), "aAbBcCdD", 4).bytes(),
      ErrorCode::corrupt, "whose offset and size are no numbers");
  expect_refused(storage_file(storage_id("ShortStorage", "7", 4, "K\x01"), "aAbBcCdD", 4).bytes(),
                 ErrorCode::corrupt, "that is no (key, offset, number of elements)");
}

TEST(LegacyRead, RefusesAViewThatIsDescribedInTwoWays) {
  const LegacyFile file =
      storage_file("(" + storage_id("ShortStorage", "7", 4, "(U\x01vK\x01K\x02t") +
                       storage_id("ShortStorage", "7", 4, "(U\x01vK\x01K\x01t") + "t",
                   "aAbBcCdD", 4);
  expect_refused(file.bytes(), ErrorCode::corrupt, "view v of a storage is described in two ways");
}

TEST(LegacyRead, TakesAClassWithItsSourceAsTheClass) {
  LegacyFile file;
  file.object = "\x80\x02(U\x06modulecmy.net\nNet\nU\x06net.pyU\x11import os; exit()tQ)\x81}b.";
  file.keys = encoded_keys({});
  const Value loaded = load_both_ways(file.bytes());
  EXPECT_EQ(loaded.as_object().class_path(), "my.net.Net");
  EXPECT_THAT(to_string(loaded), ::testing::Not(HasSubstr("exit")));
}

TEST(LegacyRead, RefusesOtherReferences) {
  for (const std::string& id :
       {"K\x01Q"s, "U\x01kQ"s, ")Q"s, "(U\x06modulecos\nsystem\ntQ"s, "(U\x06moduleK\x01NNtQ"s,
        "(U\x04nameNNNNNtQ"s,
        "(U\x07storagectorch\nFloatStorage\nU\x01\x37U\x03"s + "cpuK\x02tQ"s}) {
    expect_refused(storage_file(id, "", 0).bytes(), ErrorCode::corrupt,
                   "a reference to data outside of the pickle");
  }
}

TEST(LegacyRead, RefusesAnotherHeader) {
  LegacyFile file = legacy_file(sample());
  file.protocol = pickle("\x80\x02M\xea\x03.");
  expect_refused(file.bytes(), ErrorCode::unsupported,
                 "another protocol version (expected 1001, got 1002)");
  file.protocol = pickle("\x80\x02N.");
  expect_refused(file.bytes(), ErrorCode::unsupported, "got None");
  file = legacy_file(sample());
  file.sys_info = pickle("\x80\x02].");
  expect_refused(file.bytes(), ErrorCode::corrupt, "a list (expected a dict)");
}

TEST(LegacyRead, RefusesKeysThatDoNotFitTheObject) {
  const LegacyFile whole = legacy_file(sample());
  LegacyFile file = whole;
  file.keys = encoded_keys({"0"});
  expect_refused(file.bytes(), ErrorCode::corrupt, "storage 1 of the object is not in the list");
  file.keys = encoded_keys({"0", "1", "2"});
  expect_refused(file.bytes(), ErrorCode::corrupt, "the object has no storage 2");
  file.keys = encoded_keys({"0", "0"});
  expect_refused(file.bytes(), ErrorCode::corrupt, "storage 0 is twice in the list");
  file.keys = pickle::encode(list({0, 1}));
  expect_refused(file.bytes(), ErrorCode::corrupt, "a storage key is a int");
  file.keys = pickle::encode(Value("01"));
  expect_refused(file.bytes(), ErrorCode::corrupt, "a str (expected a list)");
}

TEST(LegacyRead, RefusesAnotherNumberOfElements) {
  for (const std::uint64_t count : {std::uint64_t{2}, std::uint64_t{4}, UINT64_MAX}) {
    LegacyFile file = legacy_file(sample());
    file.storages[0].count = count;
    expect_refused(file.bytes(), ErrorCode::corrupt,
                   "storage 0 has another size than the object says (expected 3 elements");
  }
}

TEST(LegacyRead, TakesNoMemoryForElementsThatAreNotThere) {
  // 2^60 float16, of which there are four bytes.
  LegacyFile file;
  file.object = "\x80\x02(U\x07storagectorch\nHalfStorage\nU\x01\x37U\x03" +
                "cpu\x8a\x08\0\0\0\0\0\0\0\x10NtQ."s;
  file.keys = encoded_keys({"7"});
  file.storages = {{std::uint64_t{1} << 60, "abcd"}};
  expect_refused(file.bytes(), ErrorCode::corrupt, "storage 7 ends too early");
}

TEST(LegacyRead, SaysThatATruncatedFileLooksTruncated) {
  const std::string whole = legacy_file(sample()).bytes();
  for (std::size_t size = 15; size < whole.size(); ++size) {
    expect_refused(whole.substr(0, size), ErrorCode::corrupt, "truncated");
  }
}

TEST(LegacyRead, RefusesWhatFollowsTheLastStorage) {
  LegacyFile file = legacy_file(sample());
  file.rest = "more";
  expect_refused(file.bytes(), ErrorCode::unsupported, "4 bytes follow the last storage");
}

TEST(LegacyRead, NamesTheByteOfTheFile) {
  LegacyFile file = legacy_file(sample());
  file.object = "\x80\x02N\xff.";
  expect_refused(file.bytes(), ErrorCode::corrupt,
                 fmt::format("byte {}: the byte 0xff is no opcode", file.object_offset() + 3));
  file.object = "\x80\x02NN.";
  expect_refused(file.bytes(), ErrorCode::corrupt,
                 fmt::format("byte {}: values are left over", file.object_offset() + 4));
}

TEST(LegacyRead, RefusesATensorThatLeavesItsStorage) {
  LegacyFile file = legacy_file(sample());
  const std::string shape = "K\x03\x85";  // of the first tensor
  file.object[file.object.find(shape) + 1] = '\x04';
  expect_refused(file.bytes(), ErrorCode::corrupt, "storage");
}

// PyTorch 1.3 and before wrote the counts, but not the elements, in the machine's own order.
TEST(LegacyRead, ReadsTheCountsOfABigEndianMachine) {
  LegacyFile file = legacy_file(sample());
  file.sys_info = pickle("\x80\x02}X\x0d\0\0\0little_endian\x89s.");
  EXPECT_TRUE(equal(load_both_ways(file.bytes()), sample()));
  for (LegacyFile::Stored& each : file.storages) each.count = __builtin_bswap64(each.count);
  EXPECT_TRUE(equal(load_both_ways(file.bytes()), sample()));
  file.sys_info = LegacyFile().sys_info;
  expect_refused(file.bytes(), ErrorCode::corrupt, "another size");
}

TEST(LegacyRead, ReadsTheFilesOfPython2) {
  const Storage storage = Storage::allocate(4, DType::float32);
  const float number = 1.5F;
  std::memcpy(storage.mutable_bytes().data(), &number, sizeof number);
  const std::string tensor = "ctorch._utils\n_rebuild_tensor\n(" +
                             storage_id("FloatStorage", "7", 1, "N") +
                             "\x8a\0(\x8a\x01\x01t(\x8a\x01\x01ttR"s;
  const LegacyFile file = storage_file(
      "ccollections\nOrderedDict\n](](U\x01" + ("w" + tensor) + "e](U\x01nK\x02" + "ee\x85R",
      text_of(storage), 1);
  const Value loaded = load_both_ways(file.bytes());
  EXPECT_EQ(loaded.as_dict().type(), Dict::Type::ordered);
  EXPECT_TRUE(equal(loaded["w"], Value(Tensor(storage, DType::float32, {1}))));
  EXPECT_EQ(loaded["n"].as_int(), 2);
}

TEST(LegacyRead, LetsOnlyEmptyStoragesHaveTwoTypes) {
  const std::string both =
      "(" + storage_id("FloatStorage", "7", 0, "N") + storage_id("LongStorage", "7", 0, "N") + "t";
  const Value loaded = load_both_ways(storage_file(both, "", 0).bytes());
  EXPECT_EQ(loaded[0].as_storage().dtype(), DType::float32);
  EXPECT_EQ(loaded[1].as_storage().dtype(), DType::int64);
  const std::string filled =
      "(" + storage_id("FloatStorage", "7", 2, "N") + storage_id("LongStorage", "7", 1, "N") + "t";
  expect_refused(storage_file(filled, "12345678", 2).bytes(), ErrorCode::corrupt,
                 "storage 7 is described in two ways");
}

TEST(LegacyRead, ReadsTheOnlyRecordOfAZipArchive) {
  const std::string bytes = legacy_file(sample()).bytes();
  for (const auto& entry : {stored("model.pth", bytes), deflated("model.pth", bytes)}) {
    EXPECT_TRUE(equal(load_both_ways(build_zip({entry})), sample()));
  }
}

TEST(LegacyRead, ChecksTheChecksumOfThatRecord) {
  const std::string bytes = legacy_file(sample()).bytes();
  for (testing::ZipEntry entry : {stored("model.pth", bytes), deflated("model.pth", bytes)}) {
    entry.local.crc32 = entry.central.crc32 = 77;
    const std::string zip = build_zip({entry});
    EXPECT_ERROR(load_bytes(zip), ErrorCode::corrupt, HasSubstr("the checksum differs"));
    EXPECT_ERROR(load_bytes(zip, {.access = Access::map, .verify = Verify::everything}),
                 ErrorCode::corrupt, HasSubstr("the checksum differs"));
  }
  testing::ZipEntry entry = stored("model.pth", bytes);
  entry.local.crc32 = entry.central.crc32 = 77;
  EXPECT_TRUE(equal(load_bytes(build_zip({entry}), {.verify = Verify::nothing}), sample()));
}

TEST(LegacyRead, NamesThatRecord) {
  LegacyFile file = legacy_file(sample());
  file.object = "\x80\x02N\xff.";
  expect_refused(build_zip({stored("model.pth", file.bytes())}), ErrorCode::corrupt,
                 "model.pth: byte ");
}

TEST(LegacyRead, ListsTheGlobalsOfAllPickles) {
  LegacyFile file = legacy_file(sample());
  file.sys_info = pickle("\x80\x02}U\x01kcos\nsystem\ns.");
  const TemporaryDirectory directory;
  io::write_file(directory / "m.pt", file.bytes(), Durability::cached);
  EXPECT_THAT(load_file(directory / "m.pt", {}).content.globals,
              ::testing::ElementsAre("collections.OrderedDict", "os.system", "torch.FloatStorage",
                                     "torch.ShortStorage", "torch._utils._rebuild_tensor_v2"));
}

TEST(LegacyRead, KeepsToTheLimitOfPickles) {
  const std::string bytes = legacy_file(Value(std::string(1000, 'x'))).bytes();
  LoadOptions options;
  options.limits.max_pickle_bytes = 900;
  EXPECT_ERROR(load_bytes(bytes, options), ErrorCode::unsafe, HasSubstr("max_pickle_bytes"));
}

TEST(LegacyRealFiles, LoadReadAndMapped) {
  SKIP_WITHOUT(shared_data("weights"));
  for (const char* name : {"weights/resnet20-12fca82f.th", "weights/resnet56-4bfd9763.th",
                           "weights/mobilenetV1X0.25_pretrain.tar",
                           "formats/lpips-v0.0-vgg-python2.pth", "formats/lpips-v0.1-alex.pth",
                           "formats/lpips-v0.1-vgg.pth", "formats/version-RFB-320.pth"}) {
    const LoadedFile read = load_file(shared_data(name), {.access = Access::read});
    EXPECT_EQ(read.format, "pt-legacy");
    EXPECT_TRUE(equal(load(shared_data(name), {.access = Access::map}), read.content.value))
        << name;
  }
}

}  // namespace
}  // namespace torchkeep
