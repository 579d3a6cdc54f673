#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/load.h>

#include <gmock/gmock.h>

#include "format/load_file.h"
#include "format/npy/npy_bytes.h"
#include "io/atomic_file.h"
#include "support/counting_file_operations.h"
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
using ::testing::HasSubstr;
using testing::npy_file;
using testing::shared_data;
using testing::stored;
using testing::TemporaryDirectory;

class NpyRead : public ::testing::Test {
 protected:
  std::filesystem::path file(std::string_view content) {
    io::write_file(path_, content, Durability::cached);
    return path_;
  }
  Tensor tensor(std::string_view content, Access access = Access::read) {
    return load(file(content), {.access = access}).as_tensor();
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "array";
};

TEST_F(NpyRead, GivesTheTensor) {
  const std::string content = npy_file("<f4", "False", "(2, 1)", "\0\0\x80?\0\0\0@"s);
  for (const Access access : {Access::read, Access::map}) {
    const Tensor read = tensor(content, access);
    EXPECT_EQ(read.dtype(), DType::float32);
    EXPECT_EQ(read.shape(), (Shape{2, 1}));
    EXPECT_EQ(read.item_as_double(1), 2.0);
  }
  EXPECT_EQ(load_file(path_, {}).format, "npy");
}

TEST_F(NpyRead, TakesAllVersions) {
  const std::string text = "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }";
  for (const int version : {1, 2, 3}) {
    EXPECT_EQ(tensor(npy_file(text, "\7", version)).item_as_double(), 7.0);
  }
  EXPECT_ERROR(load(file(npy_file(text, "\7", 4))), ErrorCode::unsupported,
               HasSubstr("a NumPy array of version 4.0"));
}

TEST_F(NpyRead, KnowsEveryTypeThatPyTorchHas) {
  const std::pair<const char*, DType> types[] = {
      {"|b1", DType::boolean}, {"?", DType::boolean},     {"|u1", DType::uint8},
      {"|i1", DType::int8},    {"<u2", DType::uint16},    {"<u4", DType::uint32},
      {"<u8", DType::uint64},  {"<i2", DType::int16},     {"=i4", DType::int32},
      {"i8", DType::int64},    {"<f2", DType::float16},   {"<f4", DType::float32},
      {"<f8", DType::float64}, {"<c8", DType::complex64}, {"<c16", DType::complex128},
  };
  for (const auto& [descr, dtype] : types) {
    const std::string elements(static_cast<std::size_t>(2 * item_bytes(dtype)), '\1');
    const Tensor read = tensor(npy_file(descr, "False", "(2,)", elements));
    EXPECT_EQ(read.dtype(), dtype) << descr;
    EXPECT_EQ(std::memcmp(read.bytes().data(), elements.data(), elements.size()), 0) << descr;
  }
}

TEST_F(NpyRead, SwapsBigEndianElements) {
  EXPECT_EQ(tensor(npy_file(">i4", "False", "(2,)", "\0\0\1\2\0\0\0\5"s)).item_as_double(), 258.0);
  const Tensor complex = tensor(npy_file(">c8", "False", "()", "?\x80\0\0@\0\0\0"s), Access::map);
  EXPECT_EQ(std::memcmp(complex.bytes().data(), "\0\0\x80?\0\0\0@", 8), 0);
}

TEST_F(NpyRead, KeepsFortranOrderAsStrides) {
  const std::string content = npy_file("|u1", "True", "(2, 3)", "\1\2\3\4\5\6");
  const Tensor read = tensor(content);
  EXPECT_EQ(read.strides(), (Shape{1, 2}));
  const Tensor rows = Tensor::of<std::uint8_t>({1, 3, 5, 2, 4, 6}, {2, 3});
  EXPECT_TRUE(equal(read, rows));
  EXPECT_EQ(tensor(npy_file("|u1", "True", "(0, 3)", "")).numel(), 0);
  EXPECT_EQ(tensor(npy_file("|u1", "True", "()", "\1")).dim(), 0);
}

TEST_F(NpyRead, RefusesWhatIsNoTensor) {
  const std::pair<const char*, const char*> types[] = {
      {"|O", "an array of Python objects, which only running a pickle could read; save it with"},
      {"<U4", "an array of the type \"<U4\", which PyTorch has not"},
      {"|S4", "\"|S4\""},
      {"|V2", "\"|V2\""},
      {"<M8[ns]", "\"<M8[ns]\""},
      {"<f16", "\"<f16\""},
      {"<c32", "\"<c32\""},
      {"", "the type \"\""},
  };
  for (const auto& [descr, text] : types) {
    EXPECT_ERROR(load(file(npy_file(descr, "False", "(1,)", std::string(32, '\0')))),
                 ErrorCode::unsupported, AllOf(HasSubstr(path_.string()), HasSubstr(text)));
  }
}

TEST_F(NpyRead, RefusesSizesThatDoNotFitTheFile) {
  const auto expect = [&](const char* descr, const char* shape, const std::string& elements) {
    SCOPED_TRACE(shape);
    EXPECT_ERROR(load(file(npy_file(descr, "False", shape, elements))), ErrorCode::corrupt,
                 HasSubstr(path_.string()));
  };
  expect("<f4", "(2,)", "1234567");
  expect("<f4", "(2,)", "123456789");
  expect("<f4", "(4611686018427387904,)", "");
  expect("<f4", "(4611686018427387904, 4611686018427387904)", "1234");
  expect("|u1", "(4611686018427387904, 4611686018427387904, 4611686018427387904, 0)", "");
  expect("|u1", "(0,)", "x");
}

TEST_F(NpyRead, RefusesAHeaderThatDoesNotFit) {
  EXPECT_ERROR(load(file("\x93NUMPY")), ErrorCode::corrupt, HasSubstr("does not begin as one"));
  EXPECT_ERROR(load(file("\x93NUMPY\1\0\xff\xff{}"s)), ErrorCode::corrupt,
               HasSubstr("the header of the array is cut off"));
  EXPECT_ERROR(load(file("\x93NUMPY\2\0\1\0"s)), ErrorCode::corrupt, HasSubstr("ends too early"));
  EXPECT_ERROR(load(file("\x93NUMPY\2\0\xff\xff\xff\xff{}"s)), ErrorCode::unsafe,
               HasSubstr("the header of the array is too long"));
}

TEST_F(NpyRead, RefusesEveryTruncation) {
  const std::string whole = npy_file("<i2", "False", "(3,)", "abcdef");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(tensor(whole.substr(0, size)), Error) << size;
  }
}

TEST_F(NpyRead, GivesTheArraysOfAnArchiveByName) {
  const std::string a = npy_file("|u1", "False", "(2,)", "\1\2");
  const std::string b = npy_file("<f8", "False", "()", "\0\0\0\0\0\0\xf0?"s);
  const std::string archive =
      build_zip({stored("w.npy", a), deflated("layer/b.npy", b), stored("W.npy", b)});
  for (const Access access : {Access::read, Access::map}) {
    for (const Verify verify : {Verify::what_is_read, Verify::everything, Verify::nothing}) {
      const Value value = load(file(archive), {.access = access, .verify = verify});
      EXPECT_EQ(value.size(), 3U);
      EXPECT_EQ(value["w"].as_tensor().item_as_double(1), 2.0);
      EXPECT_EQ(value["layer/b"].as_tensor().item_as_double(), 1.0);
      EXPECT_EQ(value["W"].as_tensor().item_as_double(), 1.0);
    }
  }
  EXPECT_EQ(load_file(path_, {}).format, "npz");
}

TEST_F(NpyRead, NamesTheRecordThatIsWrong) {
  EXPECT_ERROR(load(file(build_zip({stored("a.npy", "no array")}))), ErrorCode::corrupt,
               AllOf(HasSubstr(path_.string()), HasSubstr("a.npy: is no NumPy array")));
  const std::string object = npy_file("|O", "False", "(1,)", "x");
  EXPECT_ERROR(load(file(build_zip({stored("a.npy", object)}))), ErrorCode::unsupported,
               HasSubstr("a.npy: an array of Python objects"));
}

TEST_F(NpyRead, ComparesChecksums) {
  const std::string array = npy_file("|u1", "False", "(2,)", "\1\2");
  std::string archive = build_zip({stored("a.npy", array)});
  archive[archive.find("\1\2PK")] ^= 4;
  EXPECT_ERROR(load(file(archive)), ErrorCode::corrupt, HasSubstr("a.npy: the bytes are damaged"));
  EXPECT_ERROR(load(path_, {.access = Access::map, .verify = Verify::everything}),
               ErrorCode::corrupt, HasSubstr("a.npy: the bytes are damaged"));
  EXPECT_EQ(load(path_, {.verify = Verify::nothing})["a"].as_tensor().item_as_double(), 5.0);
}

TEST_F(NpyRead, ReadsLittleOfAnArchiveThatItMaps) {
  const std::string array = npy_file("|u1", "False", "(3000000,)", std::string(3'000'000, 'x'));
  file(build_zip({stored("a.npy", array)}));
  const testing::CountingFileOperations operations;
  load(path_, {.access = Access::map});
  EXPECT_LE(operations.bytes_read(), 10'000U);
}

TEST(NpyRealFiles, ReadsCandlesArchive) {
  const std::filesystem::path path = shared_data("formats/small/test.npz");
  SKIP_WITHOUT(path);
  const Value value = load(path);
  ASSERT_TRUE(value.contains("x"));
  const Tensor& x = value["x"].as_tensor();
  const Tensor& next = value["x_plus_one"].as_tensor();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    EXPECT_EQ(next.item_as_double(i), x.item_as_double(i) + 1);
  }
  EXPECT_TRUE(equal(value, load(path, {.access = Access::map})));
}

}  // namespace
}  // namespace torchkeep
