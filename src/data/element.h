// Single elements: their C++ types, and their conversion to double.
#pragma once

#include <cstddef>
#include <cstdint>
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

// For bool, integers, float16, bfloat16, float32 and float64; throws unsupported for others.
// `bytes` need not be aligned.
double read_as_double(const std::byte* bytes, DType dtype);

}  // namespace torchkeep::element
