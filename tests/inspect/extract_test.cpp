#include <limits>

#include <torchkeep/extract.h>
#include <torchkeep/save.h>

#include <gmock/gmock.h>

#include "support/counting_file_operations.h"
#include "support/expect_error.h"
#include "support/temporary_directory.h"

namespace torchkeep {
namespace {

using ::testing::HasSubstr;

TEST(Extract, FindsTensorsAndValues) {
  const testing::TemporaryDirectory directory;
  const auto path = directory / "a.pt";
  save(dict({{"epoch", 3}, {"model", dict({{"fc.bias", Tensor::scalar<float>(2)}})}}), path);
  EXPECT_EQ(extract(path, "epoch").as_int(), 3);
  EXPECT_EQ(extract(path, "model.fc.bias").as_tensor().item_as_double(), 2);
  EXPECT_TRUE(extract(path, "model").is_dict());
  EXPECT_ERROR(extract(path, "model.fc.bais"), ErrorCode::not_found,
               HasSubstr("a.pt: has nothing named 'model.fc.bais'; did you mean 'model.fc.bias'?"));
}

TEST(Extract, GivesATensorItsOwnStorage) {
  const testing::TemporaryDirectory directory;
  const Tensor base = Tensor::of<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  save(dict({{"row", Tensor(base.storage(), DType::float32, {3}, {1}, 3)},
             {"column", Tensor(base.storage(), DType::float32, {2}, {3}, 1)}}),
       directory / "a.pt");
  const Value row = extract(directory / "a.pt", "row");
  EXPECT_EQ(row.as_tensor().storage().size_bytes(), 12U);
  EXPECT_EQ(elements_to_string(row.as_tensor()), "[4.0, 5.0, 6.0]");
  const Value column = extract(directory / "a.pt", "column");
  EXPECT_EQ(column.as_tensor().storage().size_bytes(), 8U);
  EXPECT_EQ(elements_to_string(column.as_tensor()), "[2.0, 5.0]");
}

TEST(Extract, ReadsLittleOfALargeFile) {
  const testing::TemporaryDirectory directory;
  const std::vector<float> large(1 << 20);
  save(dict({{"large", Tensor::of(std::span<const float>(large), {1 << 20})},
             {"small", Tensor::scalar<float>(1)}}),
       directory / "a.pt");
  const testing::CountingFileOperations counting;
  EXPECT_EQ(extract(directory / "a.pt", "small").as_tensor().item_as_double(), 1);
  EXPECT_LT(counting.bytes_read(), 16'384U);
}

TEST(ElementsToString, WritesNestedBrackets) {
  EXPECT_EQ(elements_to_string(Tensor::of<std::int32_t>({1, 2, 3, 4, 5, 6, 7, 8}, {2, 2, 2})),
            "[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]");
  EXPECT_EQ(elements_to_string(Tensor::of<std::int32_t>({1, 2}, {2, 1})), "[[1], [2]]");
  EXPECT_EQ(elements_to_string(Tensor::of<std::int32_t>({1, 2}, {1, 2})), "[[1, 2]]");
  EXPECT_EQ(elements_to_string(Tensor::of<float>({}, {0, 3})), "[[]]");
  EXPECT_EQ(elements_to_string(Tensor::scalar<double>(2)), "2.0");
}

TEST(ElementsToString, WritesEveryKindOfNumber) {
  EXPECT_EQ(elements_to_string(Tensor::of<bool>({true, false}, {2})), "[True, False]");
  EXPECT_EQ(elements_to_string(Tensor::scalar<float>(0.1F)), "0.1");
  EXPECT_EQ(elements_to_string(Tensor::scalar<double>(-1e300)), "-1e+300");
  EXPECT_EQ(elements_to_string(Tensor::scalar(std::numeric_limits<float>::quiet_NaN())), "nan");
  EXPECT_EQ(elements_to_string(Tensor::scalar(-std::numeric_limits<float>::infinity())), "-inf");
  EXPECT_EQ(elements_to_string(Tensor::scalar(std::numeric_limits<std::int64_t>::min())),
            "-9223372036854775808");
  const Tensor bits = Tensor::scalar(std::int64_t{-1});
  EXPECT_EQ(elements_to_string(Tensor(bits.storage(), DType::uint64, {})), "18446744073709551615");
  const Tensor parts = Tensor::of<float>({1, -2}, {2});
  EXPECT_EQ(elements_to_string(Tensor(parts.storage(), DType::complex64, {})), "(1-2j)");
  EXPECT_ERROR(elements_to_string(Tensor(bits.storage(), DType::bits8, {})), ErrorCode::unsupported,
               HasSubstr("bits8"));
}

TEST(ElementsToString, RefusesWhatIsTooLong) {
  EXPECT_ERROR(elements_to_string(Tensor::of<float>({1, 2, 3}, {3}), 2),
               ErrorCode::invalid_argument, HasSubstr("3 elements"));
}

}  // namespace
}  // namespace torchkeep
