// Floating-point types of one or two bytes, as bits with conversions from and to float.
//
// Formats: float16 is IEEE 754 binary16, bfloat16 the upper half of binary32, float8_e5m2 and
// float8_e4m3fn those of "FP8 Formats for Deep Learning" (arXiv 2209.05433), the *fnuz those of
// "8-bit Numerical Formats for Deep Neural Networks" (arXiv 2206.02915), float8_e8m0fnu the scales
// of the OCP Microscaling specification 1.0.
#pragma once

#include <bit>
#include <cstdint>

namespace torchkeep::element {

inline constexpr std::uint32_t kFloatInfinity = 0x7F800000;
inline constexpr std::uint32_t kFloatQuiet = 0x00400000;

// What the highest codes stand for.
enum class Specials {
  ieee,  // infinities and NaNs
  fn,    // no infinity; all bits set but the sign are NaN
  fnuz   // no infinity, no negative zero, whose bits are the only NaN
};

// The conversion to float is exact; encode() rounds to nearest, ties to even. What is too large
// becomes infinity, or NaN where there is none.
template <class Bits, int kExponentBits, int kMantissaBits, int kBias, Specials kSpecials>
struct SmallFloat {
  Bits bits = 0;

  float decode() const {
    const std::uint32_t code = bits;
    const std::uint32_t sign = (code >> (kExponentBits + kMantissaBits) & 1) << 31;
    const std::uint32_t exponent = code >> kMantissaBits & kExponentMask;
    const std::uint32_t mantissa = code & kMantissaMask;
    const auto subnormal =
        std::bit_cast<std::uint32_t>(static_cast<float>(mantissa) * std::bit_cast<float>(kStep));
    const std::uint32_t normal = (exponent << 23) + kRebias + (mantissa << kShift);
    std::uint32_t magnitude = exponent == 0 ? subnormal : normal;
    if constexpr (kSpecials == Specials::ieee) {
      const std::uint32_t special =
          kFloatInfinity | mantissa << kShift | (mantissa != 0 ? kFloatQuiet : 0);
      magnitude = exponent == kExponentMask ? special : magnitude;
    } else {
      constexpr std::uint32_t kNan = kSpecials == Specials::fn ? kLargest + 1 : kSignBit;
      const std::uint32_t without_sign = kSpecials == Specials::fn ? code & ~kSignBit : code;
      magnitude = without_sign == kNan ? kFloatInfinity | kFloatQuiet : magnitude;
    }
    return std::bit_cast<float>(sign | magnitude);
  }

  static SmallFloat encode(float value) {
    const auto all = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t magnitude = all & 0x7FFFFFFF;
    const std::uint32_t sign = all >> 31 != 0 ? kSignBit : 0;
    // Adding a number whose last bit is worth one step lets the processor round to steps.
    const std::uint32_t subnormal =
        std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) +
                                     std::bit_cast<float>(kStepInLastBit)) -
        kStepInLastBit;
    const std::uint32_t rebiased = magnitude - kRebias;
    const std::uint32_t to_even = rebiased >> kShift & 1;
    const std::uint32_t normal = (rebiased + (1U << (kShift - 1)) - 1 + to_even) >> kShift;
    const std::uint32_t code = magnitude < kSmallestNormal ? subnormal : normal;
    return {static_cast<Bits>(with_specials(code, sign, magnitude > kFloatInfinity))};
  }

 private:
  static constexpr int kShift = 23 - kMantissaBits;
  static constexpr std::uint32_t kExponentMask = (1U << kExponentBits) - 1;
  static constexpr std::uint32_t kMantissaMask = (1U << kMantissaBits) - 1;
  static constexpr std::uint32_t kSignBit = 1U << (kExponentBits + kMantissaBits);
  static constexpr std::uint32_t kRebias = static_cast<std::uint32_t>(127 - kBias) << 23;
  // As bits of a float: 2^(1 - bias), 2^(1 - bias - mantissa bits) and 2^23 times the latter.
  static constexpr std::uint32_t kSmallestNormal = static_cast<std::uint32_t>(128 - kBias) << 23;
  static constexpr std::uint32_t kStep = kSmallestNormal - (std::uint32_t{kMantissaBits} << 23);
  static constexpr std::uint32_t kStepInLastBit = kStep + (std::uint32_t{23} << 23);
  // The highest code of a finite number.
  static constexpr std::uint32_t kLargest = kSpecials == Specials::ieee
                                                ? (kExponentMask << kMantissaBits) - 1
                                                : kSignBit - (kSpecials == Specials::fn ? 2 : 1);

  static std::uint32_t with_specials(std::uint32_t code, std::uint32_t sign, bool is_nan) {
    if constexpr (kSpecials == Specials::ieee) {
      constexpr std::uint32_t kInfinity = kLargest + 1;
      code = code > kLargest ? kInfinity : code;
      return sign | (is_nan ? kInfinity | 1U << (kMantissaBits - 1) : code);
    } else if constexpr (kSpecials == Specials::fn) {
      return sign | (code > kLargest || is_nan ? kLargest + 1 : code);
    } else {
      const std::uint32_t with_sign = code == 0 ? 0 : sign | code;
      return code > kLargest || is_nan ? kSignBit : with_sign;
    }
  }
};

using Float16 = SmallFloat<std::uint16_t, 5, 10, 15, Specials::ieee>;
using Float8E5M2 = SmallFloat<std::uint8_t, 5, 2, 15, Specials::ieee>;
using Float8E4M3Fn = SmallFloat<std::uint8_t, 4, 3, 7, Specials::fn>;
using Float8E5M2Fnuz = SmallFloat<std::uint8_t, 5, 2, 16, Specials::fnuz>;
using Float8E4M3Fnuz = SmallFloat<std::uint8_t, 4, 3, 8, Specials::fnuz>;

struct BFloat16 {
  std::uint16_t bits = 0;

  float decode() const { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

  static BFloat16 encode(float value) {
    const auto all = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t rounded = (all + 0x7FFF + (all >> 16 & 1)) >> 16;
    const bool is_nan = (all & 0x7FFFFFFF) > kFloatInfinity;
    return {static_cast<std::uint16_t>(is_nan ? 0x7FC0 : rounded)};
  }
};

// A power of two, 2^(bits - 127); no sign, no zero. 255 is NaN.
struct Float8E8M0 {
  std::uint8_t bits = 0;

  float decode() const {
    constexpr std::uint32_t kHalfOfSmallestNormal = 0x00400000;  // 2^-127
    if (bits == 255) return std::bit_cast<float>(kFloatInfinity | kFloatQuiet);
    return std::bit_cast<float>(bits == 0 ? kHalfOfSmallestNormal : std::uint32_t{bits} << 23);
  }

  // To the nearest power, of two equally near ones to the larger; infinities become NaN. The sign
  // is dropped, as PyTorch does.
  static Float8E8M0 encode(float value) {
    const auto all = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t exponent = all >> 23 & 255;
    const std::uint32_t mantissa = all & 0x7FFFFF;
    const bool is_subnormal = exponent == 0;
    const bool rounds_up = is_subnormal ? mantissa > 0x400000 : mantissa >= 0x400000;
    return {static_cast<std::uint8_t>(exponent == 255 ? 255 : exponent + (rounds_up ? 1 : 0))};
  }
};

}  // namespace torchkeep::element
