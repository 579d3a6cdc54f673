#include "data/element.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/fail.h"

namespace torchkeep::element {
namespace {

template <class T>
T read(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits.
double half_to_double(std::uint16_t bits) {
  const double sign = bits >> 15 ? -1.0 : 1.0;
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  if (exponent == 31) {
    return fraction ? std::numeric_limits<double>::quiet_NaN()
                    : sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

}  // namespace

double read_as_double(const std::byte* bytes, DType dtype) {
  switch (dtype) {
    case DType::boolean:
      return read<std::uint8_t>(bytes) != 0 ? 1.0 : 0.0;
    case DType::uint8:
      return read<std::uint8_t>(bytes);
    case DType::int8:
      return read<std::int8_t>(bytes);
    case DType::int16:
      return read<std::int16_t>(bytes);
    case DType::uint16:
      return read<std::uint16_t>(bytes);
    case DType::int32:
      return read<std::int32_t>(bytes);
    case DType::uint32:
      return read<std::uint32_t>(bytes);
    case DType::int64:
      return static_cast<double>(read<std::int64_t>(bytes));
    case DType::uint64:
      return static_cast<double>(read<std::uint64_t>(bytes));
    case DType::float16:
      return half_to_double(read<std::uint16_t>(bytes));
    case DType::bfloat16:
      return std::bit_cast<float>(static_cast<std::uint32_t>(read<std::uint16_t>(bytes)) << 16);
    case DType::float32:
      return read<float>(bytes);
    case DType::float64:
      return read<double>(bytes);
    default:
      fail(ErrorCode::unsupported, "no number for an element of type {}", name(dtype));
  }
}

}  // namespace torchkeep::element
