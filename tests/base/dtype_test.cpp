#include <torchkeep/dtype.h>

#include <gtest/gtest.h>

namespace torchkeep {
namespace {

TEST(DType, NamesAreFoundAgain) {
  for (int number = 0; number < 46; ++number) {
    if (number > 29 && number < 44) continue;  // shell types without data
    const auto dtype = static_cast<DType>(number);
    EXPECT_EQ(dtype_from_name(name(dtype)), dtype) << number;
    EXPECT_GE(item_bytes(dtype), 1) << name(dtype);
    if (!storage_class(dtype).empty()) {
      EXPECT_EQ(dtype_from_storage_class(storage_class(dtype)), dtype) << name(dtype);
    }
  }
  EXPECT_EQ(dtype_from_name("half"), std::nullopt);
  EXPECT_EQ(dtype_from_storage_class("UntypedStorage"), std::nullopt);
  EXPECT_EQ(dtype_from_storage_class(""), std::nullopt);
}

TEST(DType, KnowsSizesAndFamilies) {
  EXPECT_EQ(name(DType::boolean), "bool");
  EXPECT_EQ(item_bytes(DType::complex128), 16);
  EXPECT_EQ(items_per_byte(DType::quint4x2), 2);
  EXPECT_EQ(items_per_byte(DType::quint2x4), 4);
  EXPECT_TRUE(is_floating_point(DType::bfloat16));
  EXPECT_FALSE(is_floating_point(DType::int64));
  EXPECT_TRUE(is_complex(DType::complex64));
  EXPECT_TRUE(is_quantized(DType::qint8));
  EXPECT_EQ(storage_class(DType::uint16), "");
}

}  // namespace
}  // namespace torchkeep
