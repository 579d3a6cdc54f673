#include <limits>
#include <vector>

#include <torchkeep/cast.h>

#include <gmock/gmock.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> numbers(const Tensor& tensor) {
  std::vector<double> all;
  for (std::int64_t i = 0; i < tensor.numel(); ++i) all.push_back(tensor.item_as_double(i));
  return all;
}

std::vector<double> cast_doubles(std::initializer_list<double> values, DType dtype) {
  const auto count = static_cast<std::int64_t>(values.size());
  return numbers(cast(Tensor::of<double>(values, {count}), dtype));
}

using Numbers = std::vector<double>;

TEST(Cast, SharesMemoryWhereTheTypeIsTheSame) {
  const Tensor tensor = Tensor::of<float>({1, 2}, {2});
  EXPECT_TRUE(cast(tensor, DType::float32).storage().shares_memory_with(tensor.storage()));
}

TEST(Cast, RoundsToNearestEven) {
  EXPECT_EQ(cast_doubles({2049, 2051, 1.0 / 3}, DType::float16),
            (Numbers{2048, 2052, 0.333251953125}));
  EXPECT_EQ(cast_doubles({257, 259}, DType::bfloat16), (Numbers{256, 260}));
  EXPECT_EQ(cast_doubles({16777217}, DType::float32), (Numbers{16777216}));
}

TEST(Cast, CutsOffTheFraction) {
  EXPECT_EQ(cast_doubles({2.9, -2.9, 0.5}, DType::int8), (Numbers{2, -2, 0}));
  EXPECT_EQ(cast_doubles({-1, 300.7, 1e10 + 7}, DType::uint8), (Numbers{255, 44, 7}));
}

TEST(Cast, GivesTheLowestIntegerForWhatDoesNotFit) {
  EXPECT_EQ(cast_doubles({kNan, 3e9, -1e20}, DType::int32), (Numbers(3, -2147483648.0)));
  EXPECT_EQ(cast_doubles({kNan, 1e20}, DType::int64), (Numbers(2, -9223372036854775808.0)));
  EXPECT_EQ(cast_doubles({3e9, kNan}, DType::int16), (Numbers{0, 0}));
  EXPECT_EQ(cast_doubles({9223372036854775808.0, 3}, DType::uint64),
            (Numbers{9223372036854775808.0, 3}));
}

TEST(Cast, WrapsIntegers) {
  const Tensor tensor = Tensor::of<std::int64_t>({-1, 257, 1LL << 40}, {3});
  EXPECT_EQ(numbers(cast(tensor, DType::uint8)), (Numbers{255, 1, 0}));
  EXPECT_EQ(numbers(cast(tensor, DType::uint64)).front(), 18446744073709551616.0);
}

TEST(Cast, TakesEverythingButZeroAsTrue) {
  EXPECT_EQ(cast_doubles({0, -0.0, 0.1, kNan}, DType::boolean), (Numbers{0, 0, 1, 1}));
}

TEST(Cast, KeepsTheRealPart) {
  const Tensor complex = cast(Tensor::of<float>({1.5F, 0}, {2}), DType::complex64);
  EXPECT_EQ(complex.size_bytes(), 16U);
  EXPECT_EQ(numbers(cast(complex, DType::float64)), (Numbers{1.5, 0}));
  EXPECT_EQ(numbers(cast(cast(complex, DType::complex32), DType::float16)), (Numbers{1.5, 0}));
}

TEST(Cast, TakesAnImaginaryNumberAsTrue) {
  const Tensor parts = Tensor::of<float>({0, 1, 0, 0}, {4});
  const Tensor complex(parts.storage(), DType::complex64, {2});
  EXPECT_EQ(numbers(cast(complex, DType::boolean)), (Numbers{1, 0}));
}

TEST(Cast, ReadsViewsInRowMajorOrder) {
  const Tensor base = Tensor::of<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor transposed(base.storage(), DType::float32, {3, 2}, {1, 3});
  const Tensor result = cast(transposed, DType::int32);
  EXPECT_EQ(numbers(result), (Numbers{1, 4, 2, 5, 3, 6}));
  EXPECT_TRUE(result.is_contiguous());
}

TEST(Cast, ConvertsMoreThanOneThreadTakes) {
  std::vector<float> values(700'001);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1000);
  const Tensor result =
      cast(Tensor::of(std::span<const float>(values), {static_cast<std::int64_t>(values.size())}),
           DType::int16);
  for (const std::int64_t i : {0, 1023, 1024, 262'143, 262'144, 700'000}) {
    EXPECT_EQ(result.item_as_double(i), static_cast<double>(i % 1000));
  }
}

TEST(Cast, KeepsTheFlags) {
  Tensor tensor = Tensor::of<float>({1}, {1});
  tensor.set_requires_grad(true);
  tensor.set_is_parameter(true);
  EXPECT_TRUE(cast(tensor, DType::float16).requires_grad());
  EXPECT_TRUE(cast(tensor, DType::float16).is_parameter());
}

TEST(Cast, RefusesTypesThatAreNoNumbers) {
  const Tensor bits(Storage::allocate(4), DType::bits8, {4});
  EXPECT_ERROR(cast(bits, DType::float32), ErrorCode::unsupported, HasSubstr("bits8"));
  EXPECT_ERROR(cast(Tensor::scalar(1.0), DType::qint8), ErrorCode::unsupported, HasSubstr("qint8"));
  EXPECT_ERROR(cast(Tensor::scalar(1.0), DType::float4_e2m1fn_x2), ErrorCode::unsupported,
               HasSubstr("float4"));
}

}  // namespace
}  // namespace torchkeep
