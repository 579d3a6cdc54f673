#include "data/element.h"

#include <algorithm>
#include <array>
#include <concepts>
#include <cstring>
#include <limits>
#include <utility>

#include "base/fail.h"
#include "data/small_float.h"

namespace torchkeep::element {
namespace {

// Elements that are converted at once: both sides of a step stay in the cache.
constexpr std::size_t kBlock = 1024;

template <class T>
struct Type {
  using Element = T;
};

// Calls `visit(Type<T>())` with the C++ type of a real number.
template <class Visit>
void with_type(DType dtype, Visit visit) {
  switch (dtype) {
    case DType::boolean:
      return visit(Type<bool>());
    case DType::uint8:
      return visit(Type<std::uint8_t>());
    case DType::int8:
      return visit(Type<std::int8_t>());
    case DType::int16:
      return visit(Type<std::int16_t>());
    case DType::uint16:
      return visit(Type<std::uint16_t>());
    case DType::int32:
      return visit(Type<std::int32_t>());
    case DType::uint32:
      return visit(Type<std::uint32_t>());
    case DType::int64:
      return visit(Type<std::int64_t>());
    case DType::uint64:
      return visit(Type<std::uint64_t>());
    case DType::float16:
      return visit(Type<Float16>());
    case DType::bfloat16:
      return visit(Type<BFloat16>());
    case DType::float32:
      return visit(Type<float>());
    case DType::float64:
      return visit(Type<double>());
    case DType::float8_e5m2:
      return visit(Type<Float8E5M2>());
    case DType::float8_e4m3fn:
      return visit(Type<Float8E4M3Fn>());
    case DType::float8_e5m2fnuz:
      return visit(Type<Float8E5M2Fnuz>());
    case DType::float8_e4m3fnuz:
      return visit(Type<Float8E4M3Fnuz>());
    case DType::float8_e8m0fnu:
      return visit(Type<Float8E8M0>());
    default:
      fail(ErrorCode::unsupported, "no number for an element of type {}", name(dtype));
  }
}

template <class T>
concept Encoded = requires(const T& value) {
  { value.decode() } -> std::same_as<float>;
};

template <class T>
T read(const std::byte* bytes) {
  if constexpr (std::is_same_v<T, bool>) {
    return *bytes != std::byte{0};
  } else {
    T value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
}

// The type that holds every value of T and in which the conversion goes on.
template <class T>
using Wide = std::conditional_t<
    Encoded<T>,
    float,
    std::conditional_t<std::is_floating_point_v<T> || std::is_same_v<T, std::uint64_t>,
                       T,
                       std::int64_t>>;

template <class T>
Wide<T> widen(T value) {
  if constexpr (Encoded<T>) {
    return value.decode();
  } else {
    return static_cast<Wide<T>>(value);
  }
}

// The integer part; the lowest number for what does not fit, as the instructions of x86 give.
template <class Integer, class Float>
Integer truncate(Float value) {
  constexpr Float kLimit = -static_cast<Float>(std::numeric_limits<Integer>::min());
  const bool fits = value < kLimit && value >= -kLimit;
  return fits ? static_cast<Integer>(value) : std::numeric_limits<Integer>::min();
}

template <class To, class Float>
To to_integer(Float value) {
  if constexpr (std::is_same_v<To, std::uint64_t>) {
    constexpr auto kHalf = static_cast<Float>(std::uint64_t{1} << 63);
    if (value >= kHalf && value < 2 * kHalf) return static_cast<std::uint64_t>(value);
  }
  constexpr bool by_int64 =
      sizeof(To) == 8 || std::is_same_v<To, std::uint8_t> || std::is_same_v<To, std::uint32_t>;
  using Step = std::conditional_t<by_int64, std::int64_t, std::int32_t>;
  return static_cast<To>(truncate<Step>(value));
}

template <class To, class From>
To narrow(From value) {
  if constexpr (Encoded<To>) {
    return To::encode(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != 0;
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    return to_integer<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

// At most kBlock elements, in two steps: one function for each type instead of each pair.
template <class From>
void convert_block(const std::byte* from, std::byte* to, DType to_type, std::size_t count) {
  std::array<Wide<From>, kBlock> wide;
  for (std::size_t i = 0; i < count; ++i) wide[i] = widen(read<From>(from + i * sizeof(From)));
  with_type(to_type, [&](auto type) {
    using To = typename decltype(type)::Element;
    for (std::size_t i = 0; i < count; ++i) {
      const To value = narrow<To>(wide[i]);
      std::memcpy(to + i * sizeof(To), &value, sizeof value);
    }
  });
}

void convert_real(const std::byte* from,
                  DType from_type,
                  std::byte* to,
                  DType to_type,
                  std::size_t count) {
  const auto from_item = static_cast<std::size_t>(item_bytes(from_type));
  const auto to_item = static_cast<std::size_t>(item_bytes(to_type));
  with_type(from_type, [&](auto type) {
    for (std::size_t i = 0; i < count; i += kBlock) {
      convert_block<typename decltype(type)::Element>(from + i * from_item, to + i * to_item,
                                                      to_type, std::min(kBlock, count - i));
    }
  });
}

// Elements of at most 8 bytes, of which there are at most kBlock.
using Scratch = std::array<std::byte, 2 * kBlock * sizeof(double)>;

void complex_to_bool(const std::byte* from, DType part, std::byte* to, std::size_t count) {
  Scratch parts;
  convert_real(from, part, parts.data(), DType::boolean, 2 * count);
  for (std::size_t i = 0; i < count; ++i) to[i] = parts[2 * i] | parts[2 * i + 1];
}

void complex_to_real(const std::byte* from,
                     DType part,
                     std::byte* to,
                     DType to_type,
                     std::size_t count) {
  if (to_type == DType::boolean) return complex_to_bool(from, part, to, count);
  const auto item = static_cast<std::size_t>(item_bytes(part));
  Scratch reals;
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(reals.data() + i * item, from + 2 * i * item, item);
  }
  convert_real(reals.data(), part, to, to_type, count);
}

void real_to_complex(const std::byte* from,
                     DType from_type,
                     std::byte* to,
                     DType part,
                     std::size_t count) {
  const auto item = static_cast<std::size_t>(item_bytes(part));
  Scratch reals;
  convert_real(from, from_type, reals.data(), part, count);
  std::memset(to, 0, 2 * count * item);
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(to + 2 * i * item, reals.data() + i * item, item);
  }
}

}  // namespace

bool is_number(DType dtype) {
  return !is_quantized(dtype) && dtype != DType::float4_e2m1fn_x2 &&
         (dtype < DType::bits1x8 || dtype > DType::bits16);
}

DType component(DType dtype) {
  switch (dtype) {
    case DType::complex32:
      return DType::float16;
    case DType::complex64:
      return DType::float32;
    case DType::complex128:
      return DType::float64;
    default:
      return dtype;
  }
}

void convert(const std::byte* from,
             DType from_type,
             std::byte* to,
             DType to_type,
             std::size_t count) {
  const auto from_item = static_cast<std::size_t>(item_bytes(from_type));
  const auto to_item = static_cast<std::size_t>(item_bytes(to_type));
  const DType from_part = component(from_type);
  const DType to_part = component(to_type);
  if (is_complex(from_type) == is_complex(to_type)) {
    return convert_real(from, from_part, to, to_part, is_complex(to_type) ? 2 * count : count);
  }
  for (std::size_t i = 0; i < count; i += kBlock) {
    const std::size_t block = std::min(kBlock, count - i);
    if (is_complex(from_type)) {
      complex_to_real(from + i * from_item, from_part, to + i * to_item, to_type, block);
    } else {
      real_to_complex(from + i * from_item, from_type, to + i * to_item, to_part, block);
    }
  }
}

double read_as_double(const std::byte* bytes, DType dtype) {
  double number = 0;
  with_type(dtype, [&](auto type) {
    using From = typename decltype(type)::Element;
    number = static_cast<double>(widen(read<From>(bytes)));
  });
  return number;
}

std::int64_t read_as_int(const std::byte* bytes, DType dtype) {
  std::int64_t number = 0;
  with_type(dtype, [&](auto type) {
    using From = typename decltype(type)::Element;
    if constexpr (std::is_integral_v<From> && !std::is_same_v<From, bool>) {
      const From value = read<From>(bytes);
      if (std::in_range<std::int64_t>(value)) {
        number = static_cast<std::int64_t>(value);
        return;
      }
    }
    fail(ErrorCode::unsupported, "no integer of 64 bits for an element of type {}", name(dtype));
  });
  return number;
}

bool can_be_negated(DType dtype) {
  return is_complex(dtype) || (is_floating_point(dtype) && item_bytes(dtype) > 1);
}

void negate(std::span<std::byte> elements, DType dtype) {
  // The sign is the highest bit of each number.
  const auto number = static_cast<std::size_t>(item_bytes(component(dtype)));
  for (std::size_t i = number - 1; i < elements.size(); i += number) elements[i] ^= std::byte{0x80};
}

void conjugate(std::span<std::byte> elements, DType dtype) {
  const auto item = static_cast<std::size_t>(item_bytes(dtype));
  for (std::size_t i = item - 1; i < elements.size(); i += item) elements[i] ^= std::byte{0x80};
}

}  // namespace torchkeep::element
