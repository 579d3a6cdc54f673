#include "format/legacy/write.h"

#include <string>

#include <torchkeep/load.h>
#include <torchkeep/save.h>

#include <gmock/gmock.h>

#include "format/legacy/legacy_file.h"
#include "format/load_file.h"
#include "io/atomic_file.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using namespace std::string_literals;
using testing::TemporaryDirectory;

std::string saved_bytes(const Value& value) {
  const TemporaryDirectory directory;
  save(value, directory / "m.pt", {.format = "pt-legacy", .durability = Durability::cached});
  return io::read_file(directory / "m.pt");
}

TEST(LegacyWrite, WritesTheBytesOfPython) {
  // torch.save([torch.tensor([1.0])], ..., _use_new_zipfile_serialization=False), but for the key.
  EXPECT_EQ(saved_bytes(list({Tensor::of<float>({1}, {1})})),
            "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19."
            "\x80\x02M\xe9\x03."
            "\x80\x02}q\0(X\x10\0\0\0protocol_versionq\x01M\xe9\x03"
            "X\x0d\0\0\0little_endianq\x02\x88"
            "X\x0a\0\0\0type_sizesq\x03}q\x04(X\x05\0\0\0shortq\x05K\x02"
            "X\x03\0\0\0intq\x06K\x04X\x04\0\0\0longq\x07K\x04uu."
            "\x80\x02]q\0ctorch._utils\n_rebuild_tensor_v2\nq\x01"
            "((X\x07\0\0\0storageq\x02"
            "ctorch\nFloatStorage\nq\x03X\x01\0\0\0000q\x04X\x03\0\0\0cpuq\x05K\x01Ntq\x06Q"
            "K\0K\x01\x85q\x07K\x01\x85q\x08\x89"
            "ccollections\nOrderedDict\nq\x09)Rq\x0atq\x0bRq\x0c"
            "a."
            "\x80\x02]q\0X\x01\0\0\0000q\x01"
            "a."
            "\x01\0\0\0\0\0\0\0\0\0\x80\x3f"s);
}

TEST(LegacyWrite, WritesStoragesInTheOrderOfTextKeys) {
  List items;
  for (int i = 0; i < 12; ++i) items.push_back(Tensor::of<std::int32_t>({i}, {1}));
  const std::string bytes = saved_bytes(items);
  const auto last = [&](std::size_t i) {
    return static_cast<int>(bytes[bytes.size() - 12 * i - 4]);
  };
  EXPECT_EQ(last(0), 9);
  EXPECT_EQ(last(8), 11);
  EXPECT_EQ(last(9), 10);
  EXPECT_EQ(last(10), 1);
}

TEST(LegacyWrite, ComesBackTheSame) {
  const Storage storage = Storage::allocate(200'000, DType::int16);
  const Value value = dict({{"large", Tensor(storage, DType::int16, {100'000})},
                            {"view", Tensor(storage, DType::int16, {10}, {3}, 5)},
                            {"empty", Tensor(Storage::allocate(0), DType::float32, {0, 3})},
                            {"epoch", 3}});
  const TemporaryDirectory directory;
  save(value, directory / "m.pt", {.format = "pt-legacy", .durability = Durability::cached});
  const LoadedFile loaded = load_file(directory / "m.pt", {});
  EXPECT_EQ(loaded.format, "pt-legacy");
  EXPECT_TRUE(equal(loaded.content.value, value));
  EXPECT_TRUE(loaded.content.value["large"].as_tensor().storage().shares_memory_with(
      loaded.content.value["view"].as_tensor().storage()));
}

TEST(LegacyWrite, RefusesElementTypesThatTheFormatHasNoStorageFor) {
  EXPECT_ERROR(saved_bytes(Tensor(Storage::allocate(6), DType::uint16, {3})),
               ErrorCode::unsupported, ::testing::HasSubstr("an untyped storage"));
  EXPECT_ERROR(saved_bytes(Storage::allocate(6)), ErrorCode::unsupported,
               ::testing::HasSubstr("save it in the newer format"));
}

TEST(LegacyWrite, WritesNothingForAValueThatContainsItself) {
  const Value value = list({});
  value.as_list().push_back(value);
  const TemporaryDirectory directory;
  EXPECT_ERROR(save(value, directory / "m.pt", {.format = "pt-legacy"}), ErrorCode::unsupported,
               ::testing::HasSubstr("contains itself"));
  EXPECT_FALSE(std::filesystem::exists(directory / "m.pt"));
  value.as_list().clear();
}

}  // namespace
}  // namespace torchkeep
