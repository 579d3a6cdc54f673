#include "data/numpy_type.h"

#include <algorithm>
#include <array>

namespace torchkeep {
namespace {

struct Type {
  std::string_view name;
  DType dtype;
};

constexpr auto kTypes = std::to_array<Type>({
    {"b1", DType::boolean},
    {"u1", DType::uint8},
    {"u2", DType::uint16},
    {"u4", DType::uint32},
    {"u8", DType::uint64},
    {"i1", DType::int8},
    {"i2", DType::int16},
    {"i4", DType::int32},
    {"i8", DType::int64},
    {"f2", DType::float16},
    {"f4", DType::float32},
    {"f8", DType::float64},
    {"c8", DType::complex64},
    {"c16", DType::complex128},
});

}  // namespace

std::optional<DType> dtype_from_numpy_name(std::string_view name) {
  const auto* const found = std::ranges::find(kTypes, name, &Type::name);
  if (found == kTypes.end()) return std::nullopt;
  return found->dtype;
}

std::string_view numpy_name(DType dtype) {
  const auto* const found = std::ranges::find(kTypes, dtype, &Type::dtype);
  return found == kTypes.end() ? std::string_view() : found->name;
}

}  // namespace torchkeep
