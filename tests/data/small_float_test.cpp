#include "data/small_float.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace torchkeep::element {
namespace {

// What a code means, by the definition of the formats instead of by bits of a float.
struct Definition {
  int exponent_bits;
  int mantissa_bits;
  int bias;
  Specials specials;

  int codes() const { return 1 << (exponent_bits + mantissa_bits); }  // without the sign

  double value(int code) const {
    const int exponent = code >> mantissa_bits;
    const int mantissa = code & ((1 << mantissa_bits) - 1);
    const int top = (1 << exponent_bits) - 1;
    if (specials == Specials::ieee && exponent == top) {
      return mantissa == 0 ? std::numeric_limits<double>::infinity() : std::nan("");
    }
    if (specials == Specials::fn && code == codes() - 1) return std::nan("");
    if (exponent == 0) return std::ldexp(mantissa, 1 - bias - mantissa_bits);
    return std::ldexp((1 << mantissa_bits) + mantissa, exponent - bias - mantissa_bits);
  }
};

template <class T>
int encode(double value) {
  return static_cast<int>(T::encode(static_cast<float>(value)).bits);
}

template <class T>
float decode(int code) {
  T value;
  value.bits = static_cast<decltype(value.bits)>(code);
  return value.decode();
}

template <class T>
void expect_every_code(const Definition& definition) {
  const bool fnuz = definition.specials == Specials::fnuz;
  const int sign = definition.codes();
  for (int code = 0; code < definition.codes(); ++code) {
    SCOPED_TRACE(code);
    const double value = definition.value(code);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(decode<T>(code)));
      continue;
    }
    EXPECT_EQ(decode<T>(code), value);
    EXPECT_EQ(encode<T>(value), code == 0 ? 0 : code);
    if (fnuz && code == 0) continue;
    EXPECT_EQ(decode<T>(code | sign), -value);
    EXPECT_EQ(encode<T>(-value), code | sign);
  }
}

template <class T>
void expect_rounding_to_nearest_even(const Definition& definition) {
  for (int code = 0; code + 1 < definition.codes(); ++code) {
    const double low = definition.value(code);
    const double high = definition.value(code + 1);
    if (!std::isfinite(high)) break;
    SCOPED_TRACE(code);
    const auto middle = static_cast<float>((low + high) / 2);
    ASSERT_EQ(middle, (low + high) / 2);
    EXPECT_EQ(encode<T>(middle), code % 2 == 0 ? code : code + 1);
    EXPECT_EQ(encode<T>(std::nextafter(middle, 0.0F)), code);
    EXPECT_EQ(encode<T>(std::nextafter(middle, std::numeric_limits<float>::infinity())), code + 1);
  }
}

template <class T>
void expect_format(const Definition& definition) {
  expect_every_code<T>(definition);
  expect_rounding_to_nearest_even<T>(definition);
}

TEST(SmallFloat, HasTheNumbersOfItsFormat) {
  expect_format<Float16>({5, 10, 15, Specials::ieee});
  expect_format<BFloat16>({8, 7, 127, Specials::ieee});
  expect_format<Float8E5M2>({5, 2, 15, Specials::ieee});
  expect_format<Float8E4M3Fn>({4, 3, 7, Specials::fn});
  expect_format<Float8E5M2Fnuz>({5, 2, 16, Specials::fnuz});
  expect_format<Float8E4M3Fnuz>({4, 3, 8, Specials::fnuz});
}

TEST(SmallFloat, TurnsWhatIsTooLargeIntoInfinityOrNan) {
  EXPECT_EQ(encode<Float16>(65519.99), 0x7BFF);
  EXPECT_EQ(encode<Float16>(65520), 0x7C00);
  EXPECT_EQ(encode<Float16>(-1e30), 0xFC00);
  EXPECT_EQ(encode<Float8E5M2>(61439), 0x7B);
  EXPECT_EQ(encode<Float8E5M2>(61440), 0x7C);
  EXPECT_EQ(encode<Float8E4M3Fn>(464), 0x7E);
  EXPECT_EQ(encode<Float8E4M3Fn>(465), 0x7F);
  EXPECT_EQ(encode<Float8E4M3Fn>(-std::numeric_limits<float>::infinity()), 0xFF);
  EXPECT_EQ(encode<Float8E4M3Fnuz>(247), 0x7F);
  EXPECT_EQ(encode<Float8E4M3Fnuz>(248), 0x80);
  EXPECT_EQ(encode<Float8E5M2Fnuz>(-1e30), 0x80);
  EXPECT_EQ(encode<BFloat16>(std::numeric_limits<float>::max()), 0x7F80);
}

TEST(SmallFloat, KeepsNans) {
  const double nan = std::nan("");
  EXPECT_EQ(encode<Float16>(nan), 0x7E00);
  EXPECT_EQ(encode<BFloat16>(nan), 0x7FC0);
  EXPECT_EQ(encode<Float8E5M2>(nan), 0x7E);
  EXPECT_EQ(encode<Float8E4M3Fn>(nan), 0x7F);
  EXPECT_EQ(encode<Float8E5M2Fnuz>(nan), 0x80);
  EXPECT_EQ(encode<Float8E4M3Fnuz>(nan), 0x80);
  EXPECT_EQ(encode<Float8E8M0>(nan), 0xFF);
  EXPECT_TRUE(std::isnan(decode<Float8E4M3Fnuz>(0x80)));
  EXPECT_TRUE(std::isnan(decode<Float8E8M0>(0xFF)));
}

TEST(SmallFloat, HasNoNegativeZeroInFnuz) {
  EXPECT_EQ(encode<Float8E4M3Fnuz>(-0.0), 0);
  EXPECT_EQ(encode<Float8E4M3Fnuz>(-1e-30), 0);
  EXPECT_EQ(encode<Float8E4M3Fn>(-1e-30), 0x80);
}

TEST(SmallFloat, HoldsPowersOfTwoInE8M0) {
  for (int code = 0; code < 255; ++code) {
    SCOPED_TRACE(code);
    EXPECT_EQ(decode<Float8E8M0>(code), std::ldexp(1.0, code - 127));
    EXPECT_EQ(encode<Float8E8M0>(std::ldexp(1.0, code - 127)), code);
  }
  EXPECT_EQ(encode<Float8E8M0>(2.9), 128);
  EXPECT_EQ(encode<Float8E8M0>(3), 129);
  EXPECT_EQ(encode<Float8E8M0>(-4), 129);
  EXPECT_EQ(encode<Float8E8M0>(0), 0);
}

}  // namespace
}  // namespace torchkeep::element
