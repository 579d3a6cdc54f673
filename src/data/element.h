// Elements of tensors: their C++ types, and their conversion between types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <torchkeep/dtype.h>

namespace torchkeep::element {

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, bool>)
    return DType::boolean;
  else if constexpr (std::is_same_v<T, std::uint8_t>)
    return DType::uint8;
  else if constexpr (std::is_same_v<T, std::int8_t>)
    return DType::int8;
  else if constexpr (std::is_same_v<T, std::int16_t>)
    return DType::int16;
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return DType::int32;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return DType::int64;
  else if constexpr (std::is_same_v<T, float>)
    return DType::float32;
  else {
    static_assert(std::is_same_v<T, double>);
    return DType::float64;
  }
}

// Whether convert() knows the type: bool, integers, real floats but float4, complex floats.
bool is_number(DType dtype);

// The type of the two numbers that a complex element consists of; the type itself for all others.
DType component(DType dtype);

// Converts `count` elements as PyTorch's Tensor.to() does; neither side need be aligned, they must
// not overlap. Floats are rounded to nearest, ties to even, those of less than 32 bits by way of
// float32; what is too large becomes infinity, or NaN in a type without. Integers wrap. A
// float becomes an integer by cutting off the fraction; what does not fit becomes what x86 makes of
// it: the lowest int64 (for int64, uint8, uint32, uint64) or the lowest int32 (for the others),
// then wrapped. Everything but zero is true. A complex number loses its imaginary part, unless it
// becomes a bool.
// Throws unsupported unless both types are numbers.
void convert(const std::byte* from,
             DType from_type,
             std::byte* to,
             DType to_type,
             std::size_t count);

// One real element; throws unsupported for other types.
double read_as_double(const std::byte* bytes, DType dtype);

// The int of an element of an integer type that is no more than an int64 can hold; throws
// unsupported for other types and for a uint64 beyond.
std::int64_t read_as_int(const std::byte* bytes, DType dtype);

// Complex numbers, and floats of 2 bytes or more.
bool can_be_negated(DType dtype);
// Turns each element into its negative, or a complex one into its conjugate, in place.
void negate(std::span<std::byte> elements, DType dtype);
void conjugate(std::span<std::byte> elements, DType dtype);

}  // namespace torchkeep::element
