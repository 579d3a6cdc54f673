#include "format/safetensors/element_type.h"

#include <algorithm>
#include <array>

namespace torchkeep::safetensors {
namespace {

// In the order of their ranks.
constexpr auto kTypes = std::to_array<ElementType>({
    {"BOOL", 8, DType::boolean},
    {"F4", 4, DType::float4_e2m1fn_x2},
    {"F6_E2M3", 6, std::nullopt},
    {"F6_E3M2", 6, std::nullopt},
    {"U8", 8, DType::uint8},
    {"I8", 8, DType::int8},
    {"F8_E5M2", 8, DType::float8_e5m2},
    {"F8_E4M3", 8, DType::float8_e4m3fn},
    {"F8_E8M0", 8, DType::float8_e8m0fnu},
    {"F8_E4M3FNUZ", 8, DType::float8_e4m3fnuz},
    {"F8_E5M2FNUZ", 8, DType::float8_e5m2fnuz},
    {"I16", 16, DType::int16},
    {"U16", 16, DType::uint16},
    {"F16", 16, DType::float16},
    {"BF16", 16, DType::bfloat16},
    {"I32", 32, DType::int32},
    {"U32", 32, DType::uint32},
    {"F32", 32, DType::float32},
    {"C64", 64, DType::complex64},
    {"F64", 64, DType::float64},
    {"I64", 64, DType::int64},
    {"U64", 64, DType::uint64},
});

const ElementType* pointer_or_null(const ElementType* found) {
  return found == kTypes.end() ? nullptr : found;
}

}  // namespace

const ElementType* find_element_type(std::string_view name) {
  return pointer_or_null(std::ranges::find(kTypes, name, &ElementType::name));
}

const ElementType* find_element_type(DType dtype) {
  return pointer_or_null(std::ranges::find(kTypes, std::optional(dtype), &ElementType::dtype));
}

int rank(const ElementType& type) { return static_cast<int>(&type - kTypes.data()); }

}  // namespace torchkeep::safetensors
