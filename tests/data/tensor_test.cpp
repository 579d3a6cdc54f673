#include <cmath>
#include <cstring>
#include <limits>

#include <torchkeep/tensor.h>

#include <gmock/gmock.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();

Storage floats(std::initializer_list<float> values) {
  return Tensor::of<float>(values, {static_cast<std::int64_t>(values.size())}).storage();
}

TEST(Tensor, HoldsValuesInRowMajorOrder) {
  const Tensor tensor = Tensor::of<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  EXPECT_EQ(tensor.strides(), (Shape{3, 1}));
  EXPECT_EQ(tensor.numel(), 6);
  EXPECT_EQ(tensor.size_bytes(), 24U);
  EXPECT_TRUE(tensor.is_contiguous());
  EXPECT_EQ(tensor.item_as_double(4), 5.0);
}

TEST(Tensor, ViewsPartOfAStorage) {
  const Tensor transposed(floats({1, 2, 3, 4, 5, 6}), DType::float32, {3, 2}, {1, 3});
  EXPECT_FALSE(transposed.is_contiguous());
  EXPECT_TRUE(equal(transposed.contiguous(), Tensor::of<float>({1, 4, 2, 5, 3, 6}, {3, 2})));
  EXPECT_ERROR(transposed.bytes(), ErrorCode::invalid_argument, HasSubstr("not contiguous"));

  const Tensor row(transposed.storage(), DType::float32, {2}, {1}, 4);
  EXPECT_EQ(row.item_as_double(1), 6.0);
  EXPECT_TRUE(row.storage().shares_memory_with(transposed.storage()));
}

TEST(Tensor, RepeatsAnElementByStrideZero) {
  const Tensor repeated(floats({7}), DType::float32, {2, 2}, {0, 0});
  EXPECT_TRUE(equal(repeated, Tensor::of<float>({7, 7, 7, 7}, {2, 2})));
}

TEST(Tensor, RefusesToCopyTerabytesMadeByStrideZero) {
  const Tensor bomb(floats({7}), DType::float32, {std::int64_t{1} << 50}, {0});
  EXPECT_ERROR(bomb.contiguous(), ErrorCode::unsafe, HasSubstr("limit"));
}

TEST(Tensor, RefusesWhatLiesOutsideItsStorage) {
  EXPECT_ERROR(Tensor(floats({1, 2}), DType::float32, {3}), ErrorCode::invalid_argument,
               HasSubstr("needs 3 elements"));
  EXPECT_ERROR(Tensor(floats({1, 2}), DType::float32, {2}, {1}, 1), ErrorCode::invalid_argument,
               HasSubstr("needs 3 elements"));
  EXPECT_ERROR(Tensor(floats({1, 2}), DType::float32, {2}, {kHuge}), ErrorCode::invalid_argument,
               HasSubstr("needs"));
  EXPECT_ERROR(Tensor(floats({1, 2}), DType::float32, {3}, {kHuge}), ErrorCode::invalid_argument,
               HasSubstr("beyond all memory"));
}

TEST(Tensor, RefusesImpossibleForms) {
  EXPECT_ERROR(Tensor(floats({1}), DType::float32, {-1}), ErrorCode::invalid_argument,
               HasSubstr("negative size"));
  EXPECT_ERROR(Tensor(floats({1}), DType::float32, {1}, {-1}), ErrorCode::invalid_argument,
               HasSubstr("negative stride"));
  EXPECT_ERROR(Tensor(floats({1}), DType::float32, {1}, {1}, -1), ErrorCode::invalid_argument,
               HasSubstr("negative storage offset"));
  EXPECT_ERROR(Tensor(floats({1}), DType::float32, {1}, {1, 1}), ErrorCode::invalid_argument,
               HasSubstr("differ in length"));
  EXPECT_ERROR(Tensor(floats({1}), DType::float32, Shape(65, 1), Shape(65, 1)),
               ErrorCode::invalid_argument, HasSubstr("65 dimensions"));
  EXPECT_ERROR(count_elements({std::int64_t{1} << 62, 4}), ErrorCode::invalid_argument,
               HasSubstr("more elements"));
  EXPECT_EQ(count_elements({std::int64_t{1} << 62, 4, 0}), 0);
}

TEST(Tensor, MayBeEmptyOrAScalar) {
  const Tensor none(Storage(), DType::float32, {0, 3});
  EXPECT_EQ(none.strides(), (Shape{3, 1}));
  EXPECT_TRUE(none.bytes().empty());
  EXPECT_EQ(none.contiguous().numel(), 0);
  const Tensor scalar = Tensor::scalar<std::int64_t>(-5);
  EXPECT_EQ(scalar.dim(), 0);
  EXPECT_EQ(scalar.item_as_double(), -5.0);
  EXPECT_ERROR(scalar.item_as_double(1), ErrorCode::invalid_argument, HasSubstr("element 1"));
}

TEST(Tensor, CountsPackedElements) {
  const Storage storage = Storage::allocate(2, DType::quint4x2);
  EXPECT_EQ(Tensor(storage, DType::quint4x2, {3}).size_bytes(), 2U);
  EXPECT_ERROR(Tensor(storage, DType::quint4x2, {5}), ErrorCode::invalid_argument,
               HasSubstr("needs 5 elements"));
}

TEST(Tensor, ReadsHalfPrecision) {
  const auto read = [](DType dtype, std::uint16_t bits) {
    const Storage storage = Storage::allocate(2, dtype);
    std::memcpy(storage.mutable_bytes().data(), &bits, 2);
    return Tensor(storage, dtype, {}).item_as_double();
  };
  EXPECT_EQ(read(DType::float16, 0x3C00), 1.0);
  EXPECT_EQ(read(DType::float16, 0xC000), -2.0);
  EXPECT_EQ(read(DType::float16, 0x0001), 5.960464477539063e-08);
  EXPECT_EQ(read(DType::float16, 0x7BFF), 65504.0);
  EXPECT_EQ(read(DType::float16, 0x7C00), std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(read(DType::float16, 0x7E00)));
  EXPECT_EQ(read(DType::bfloat16, 0x3F80), 1.0);
}

TEST(Tensor, ComputesConjugateAndNegativeViews) {
  const Storage storage = Storage::allocate(16, DType::complex64);
  const float numbers[] = {1, 2, 3, -4};
  std::memcpy(storage.mutable_bytes().data(), numbers, sizeof numbers);
  Tensor view(storage, DType::complex64, {2});
  view.set_is_conjugated(true);
  EXPECT_FALSE(view.is_contiguous());
  EXPECT_ERROR(view.bytes(), ErrorCode::invalid_argument, ::testing::HasSubstr("conjugate"));
  const Tensor computed = view.contiguous();
  EXPECT_FALSE(computed.is_conjugated());
  float result[4];
  std::memcpy(result, computed.bytes().data(), sizeof result);
  EXPECT_THAT(result, ::testing::ElementsAre(1, -2, 3, 4));

  Tensor negative = Tensor::of<float>({1, -2}, {2});
  negative.set_is_negated(true);
  EXPECT_EQ(negative.item_as_double(1), 2.0);
  EXPECT_TRUE(equal(negative, Tensor::of<float>({-1, 2}, {2})));
  Tensor ints = Tensor::of<std::int64_t>({1}, {1});
  EXPECT_ERROR(ints.set_is_negated(true), ErrorCode::invalid_argument,
               ::testing::HasSubstr("int64"));
  EXPECT_ERROR(ints.set_is_conjugated(true), ErrorCode::invalid_argument,
               ::testing::HasSubstr("int64"));
}

}  // namespace
}  // namespace torchkeep
