#include <torchkeep/convert.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/quantize_per_channel.h>
#include <ATen/ops/quantize_per_tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace torchkeep {
namespace convert_test {

using ::testing::HasSubstr;

TEST(Convert, BothSidesSeeAWrite) {
  at::Tensor ours = at::zeros({2, 3});
  const Tensor view = from_torch(ours);
  ours[1][2] = 5;
  EXPECT_EQ(view.item_as_double(5), 5.0);
  to_torch(view)[0][0] = 4;
  EXPECT_EQ(ours[0][0].item<float>(), 4.0F);
}

TEST(Convert, EachSideKeepsTheMemoryAlive) {
  Tensor view;
  { view = from_torch(at::ones({1000})); }
  EXPECT_EQ(view.item_as_double(999), 1.0);
  at::Tensor theirs;
  { theirs = to_torch(Tensor::of<float>({1, 2, 3}, {3})); }
  EXPECT_EQ(theirs[2].item<float>(), 3.0F);
}

TEST(Convert, KeepsStridesAndOffset) {
  const at::Tensor base = at::arange(12, at::kFloat).view({3, 4});
  const Tensor view = from_torch(base.t().slice(0, 1, 3));
  EXPECT_EQ(view.shape(), (Shape{2, 3}));
  EXPECT_EQ(view.strides(), (Shape{1, 4}));
  EXPECT_EQ(view.storage_offset(), 1);
  EXPECT_EQ(view.storage().size_bytes(), 48u);
  EXPECT_TRUE(to_torch(view).equal(base.t().slice(0, 1, 3)));
  EXPECT_EQ(to_torch(view).data_ptr(), base.t().slice(0, 1, 3).data_ptr());
}

TEST(Convert, ViewsOfOneStorageShareIt) {
  const at::Tensor base = at::ones({4});
  const Tensor whole = from_torch(base);
  const Tensor half = from_torch(base.slice(0, 2, 4));
  EXPECT_TRUE(whole.storage().shares_memory_with(half.storage()));
  const Tensor again = from_torch(to_torch(half));
  EXPECT_TRUE(again.storage().shares_memory_with(whole.storage()));
  EXPECT_EQ(again.storage().size_bytes(), 16u);
}

TEST(Convert, KnowsEveryTypeOfLibTorch) {
  for (const auto type :
       {at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kHalf, at::kFloat, at::kDouble,
        at::kComplexFloat, at::kComplexDouble, at::kBool, at::kBFloat16}) {
    const at::Tensor tensor = at::ones({2, 2}, type);
    const Tensor view = from_torch(tensor);
    EXPECT_EQ(static_cast<int>(view.dtype()), static_cast<int>(type));
    EXPECT_EQ(view.storage().dtype(), view.dtype());
    EXPECT_EQ(to_torch(view).scalar_type(), type);
    EXPECT_TRUE(to_torch(view).equal(tensor));
  }
}

TEST(Convert, TakesEmptyTensorsAndScalars) {
  EXPECT_EQ(from_torch(at::empty({0, 3})).shape(), (Shape{0, 3}));
  EXPECT_EQ(to_torch(Tensor(Storage(), DType::float32, {2, 0})).sizes(),
            (std::vector<std::int64_t>{2, 0}));
  EXPECT_EQ(to_torch(Tensor::scalar(2.5)).item<double>(), 2.5);
  EXPECT_EQ(from_torch(at::ones({})).shape(), Shape{});
}

TEST(Convert, ResolvesConjugatesWhichOldPythonWouldLose) {
  const at::Tensor number = at::complex(at::ones({1}), at::ones({1})).conj();
  EXPECT_TRUE(number.is_conj());
  EXPECT_TRUE(to_torch(from_torch(number)).equal(number));
}

TEST(Convert, DropsTheGradientFlags) {
  const at::Tensor leaf = at::ones({1}).set_requires_grad(true);
  EXPECT_FALSE(from_torch(leaf).requires_grad());
  EXPECT_FALSE(to_torch(from_torch(leaf)).requires_grad());
}

TEST(Convert, QuantizedPerTensorKeepsItsScale) {
  const at::Tensor tensor =
      at::quantize_per_tensor(at::arange(6, at::kFloat).view({2, 3}), 0.5, 3, at::kQUInt8);
  const Tensor view = from_torch(tensor);
  ASSERT_NE(view.quantizer(), nullptr);
  EXPECT_EQ(view.quantizer()->scale, 0.5);
  EXPECT_EQ(view.quantizer()->zero_point, 3);
  const at::Tensor back = to_torch(view);
  EXPECT_EQ(back.data_ptr(), tensor.data_ptr());
  EXPECT_TRUE(back.dequantize().equal(tensor.dequantize()));
}

TEST(Convert, QuantizedPerChannelKeepsItsScales) {
  const at::Tensor scales = at::arange(1, 3, at::kDouble);
  const at::Tensor tensor = at::quantize_per_channel(at::arange(6, at::kFloat).view({2, 3}), scales,
                                                     at::zeros({2}, at::kLong), 0, at::kQInt8);
  const Tensor view = from_torch(tensor);
  ASSERT_NE(view.quantizer(), nullptr);
  EXPECT_EQ(view.quantizer()->scheme, Quantizer::Scheme::per_channel_affine);
  const at::Tensor back = to_torch(view);
  EXPECT_EQ(back.data_ptr(), tensor.data_ptr());
  EXPECT_TRUE(back.dequantize().equal(tensor.dequantize()));
}

TEST(Convert, RefusesWhatHasNoMemoryToView) {
  EXPECT_ERROR(from_torch(at::ones({2, 2}).to_sparse()), ErrorCode::unsupported,
               HasSubstr("sparse"));
  EXPECT_ERROR(from_torch(at::empty({2}, c10::TensorOptions(c10::kMeta))), ErrorCode::unsupported,
               HasSubstr("meta"));
  EXPECT_ERROR(from_torch(at::Tensor()), ErrorCode::invalid_argument, HasSubstr("undefined"));
}

TEST(Convert, RefusesATypeThatLibTorchLacks) {
  EXPECT_ERROR(to_torch(Tensor(Storage::allocate(2), DType::float4_e2m1fn_x2, {2})),
               ErrorCode::unsupported, HasSubstr("float4_e2m1fn_x2"));
}

TEST(Convert, TensorsOfLibTorchAreValues) {
  const Value value = dict({{"x", at::ones({2})}});
  EXPECT_EQ(value["x"].as_tensor().numel(), 2);
}

}  // namespace convert_test
}  // namespace torchkeep
