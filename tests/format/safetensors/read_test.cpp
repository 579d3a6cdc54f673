#include <filesystem>
#include <string>

#include <torchkeep/inspect.h>
#include <torchkeep/load.h>
#include <torchkeep/state_dict.h>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "format/load_file.h"
#include "format/safetensors/safetensors_bytes.h"
#include "io/atomic_file.h"
#include "support/counting_file_operations.h"
#include "support/expect_error.h"
#include "support/shared_data.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using namespace std::string_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::safetensors_file;
using testing::shared_data;
using testing::TemporaryDirectory;

class SafetensorsRead : public ::testing::Test {
 protected:
  std::filesystem::path file(std::string_view header, std::string_view data) {
    io::write_file(path_, safetensors_file(header, data), Durability::cached);
    return path_;
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "m.safetensors";
};

TEST_F(SafetensorsRead, GivesAnOrderedDictWithItsMetadata) {
  file(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]},)"
       R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       "\0\0\x80?\1\2"s);
  for (const Access access : {Access::read, Access::map}) {
    const LoadedFile loaded = load_file(path_, {.access = access});
    EXPECT_EQ(loaded.format, "safetensors");
    const Value& value = loaded.content.value;
    const StateDict state_dict = value.as_state_dict();
    EXPECT_EQ(state_dict.begin()->name, "b");
    EXPECT_EQ(state_dict["a"].item_as_double(), 1.0);
    EXPECT_EQ(state_dict["b"].item_as_double(1), 2.0);
    EXPECT_EQ(value.as_dict().attributes()["__metadata__"]["format"].as_string(), "pt");
  }
}

TEST_F(SafetensorsRead, HasNoAttributesWithoutMetadata) {
  EXPECT_TRUE(load(file("{}", "")).as_dict().attributes().is_none());
}

TEST_F(SafetensorsRead, ShowsItsMetadataWhenInspected) {
  const Summary summary = inspect(file(R"({"__metadata__":{"format":"pt"}})", ""));
  ASSERT_EQ(summary.values.size(), 2U);  // the empty dict itself
  EXPECT_EQ(summary.values[1].first, "__metadata__.format");
  EXPECT_EQ(summary.values[1].second.as_string(), "pt");
}

TEST_F(SafetensorsRead, KnowsEveryTypeThatPyTorchHas) {
  const std::pair<const char*, DType> types[] = {
      {"BOOL", DType::boolean},
      {"U8", DType::uint8},
      {"I8", DType::int8},
      {"F8_E5M2", DType::float8_e5m2},
      {"F8_E4M3", DType::float8_e4m3fn},
      {"F8_E8M0", DType::float8_e8m0fnu},
      {"F8_E4M3FNUZ", DType::float8_e4m3fnuz},
      {"F8_E5M2FNUZ", DType::float8_e5m2fnuz},
      {"I16", DType::int16},
      {"U16", DType::uint16},
      {"F16", DType::float16},
      {"BF16", DType::bfloat16},
      {"I32", DType::int32},
      {"U32", DType::uint32},
      {"F32", DType::float32},
      {"C64", DType::complex64},
      {"F64", DType::float64},
      {"I64", DType::int64},
      {"U64", DType::uint64},
  };
  for (const auto& [name, dtype] : types) {
    const auto bytes = static_cast<std::size_t>(3 * item_bytes(dtype));
    std::string data;
    for (std::size_t i = 0; i < bytes; ++i) data.push_back(static_cast<char>(i % 2));
    file(fmt::format(R"({{"t":{{"dtype":"{}","shape":[3],"data_offsets":[0,{}]}}}})", name, bytes),
         data);
    const Value value = load(path_);
    const Tensor& tensor = value["t"].as_tensor();
    EXPECT_EQ(tensor.dtype(), dtype) << name;
    EXPECT_EQ(std::memcmp(tensor.bytes().data(), data.data(), bytes), 0) << name;
  }
}

TEST_F(SafetensorsRead, CountsPairsOfFourBitElementsAsPyTorchDoes) {
  file(R"({"t":{"dtype":"F4","shape":[3,4],"data_offsets":[0,6]}})", "abcdef");
  const Tensor tensor = load(path_)["t"].as_tensor();
  EXPECT_EQ(tensor.dtype(), DType::float4_e2m1fn_x2);
  EXPECT_EQ(tensor.shape(), (Shape{3, 2}));
  file(R"({"t":{"dtype":"F4","shape":[2,3],"data_offsets":[0,3]}})", "abc");
  EXPECT_ERROR(load(path_), ErrorCode::unsupported, HasSubstr("t: F4 [2, 3] has no pairs"));
}

TEST_F(SafetensorsRead, PlacesElementsWhereTheProcessorCanReadThem) {
  // The header makes the data begin at byte 79, and the first tensor misaligns the second.
  const std::string header =
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F64","shape":[1],"data_offsets":[1,9]}})";
  file(header + std::string(1 + (7 - header.size() % 8), ' ') + " ", "\7\0\0\0\0\0\0\xf0?"s);
  for (const Access access : {Access::read, Access::map}) {
    const Tensor tensor = load(path_, {.access = access})["b"].as_tensor();
    EXPECT_EQ(tensor.item_as_double(), 1.0);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.bytes().data()) % 8, 0U);
  }
}

TEST_F(SafetensorsRead, SharesOneBufferAmongTheTensors) {
  file(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
       R"("b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
       "xy");
  const Value value = load(path_);
  EXPECT_EQ(value["a"].as_tensor().bytes().data() + 1, value["b"].as_tensor().bytes().data());
  EXPECT_FALSE(
      value["a"].as_tensor().storage().shares_memory_with(value["b"].as_tensor().storage()));
}

TEST_F(SafetensorsRead, SaysWhatIsWrongWithTheFile) {
  const std::string good = R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  EXPECT_ERROR(load(file(good, "")), ErrorCode::corrupt,
               AllOf(HasSubstr(path_.string()), HasSubstr("expected 1 bytes of data, got 0")));
  EXPECT_ERROR(load(file(good, "xx")), ErrorCode::corrupt, HasSubstr("got 2"));
  const std::string cut = safetensors_file(good, "x").substr(0, 30);
  io::write_file(path_, cut);
  EXPECT_ERROR(load(path_), ErrorCode::corrupt, HasSubstr("the header does not fit into the file"));
  EXPECT_ERROR(load(file("{\"t\":", "")), ErrorCode::corrupt, HasSubstr("is no JSON"));
  file(
      R"({"t":{"dtype":"U8","shape":[4611686018427387904,4611686018427387904,0],"data_offsets":[0,0]}})",
      "");
  EXPECT_ERROR(load(path_), ErrorCode::corrupt, HasSubstr("t: "));
}

TEST_F(SafetensorsRead, RefusesAHeaderBeyondAHundredMegabytes) {
  // A sparse file: the header is blank.
  file("", "");
  std::string start;
  append_number(start, std::uint64_t{100'000'001});
  io::write_file(path_, start + "{}");
  EXPECT_ERROR(load(path_), ErrorCode::unsupported, HasSubstr("unknown"));
  std::filesystem::resize_file(path_, 100'000'020);
  EXPECT_ERROR(load(path_), ErrorCode::unsafe, HasSubstr("the header is too long"));
}

TEST_F(SafetensorsRead, RefusesEveryTruncation) {
  const std::string whole = safetensors_file(
      R"({"t":{"dtype":"U8","shape":[20],"data_offsets":[0,20]}})", std::string(20, 'x'));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    io::write_file(path_, whole.substr(0, size), Durability::cached);
    EXPECT_THROW(load(path_), Error) << size;
  }
}

TEST_F(SafetensorsRead, ReadsLittleOfAFileThatItMaps) {
  file(R"({"t":{"dtype":"U8","shape":[9000000],"data_offsets":[0,9000000]}})",
       std::string(9'000'000, 'x'));
  {
    const testing::CountingFileOperations operations;
    EXPECT_EQ(inspect(path_).tensors.size(), 1U);
    EXPECT_LE(operations.bytes_read(), 2000U);
  }
  const testing::CountingFileOperations operations;
  load(path_);
  EXPECT_LE(operations.bytes_read(), 9'002'000U);
}

TEST(SafetensorsRealFiles, ReadsSilero) {
  const std::filesystem::path path = shared_data("formats/silero_vad_16k.safetensors");
  SKIP_WITHOUT(path);
  const Summary summary = inspect(path, {.hash = InspectOptions::Hash::sha256});
  EXPECT_EQ(summary.format, "safetensors");
  EXPECT_GT(summary.tensors.size(), 10U);
  EXPECT_TRUE(equal(load(path, {.access = Access::read}), load(path, {.access = Access::map})));
}

}  // namespace
}  // namespace torchkeep
