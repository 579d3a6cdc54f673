#include <algorithm>
#include <array>

#include <torchkeep/dtype.h>

#include "base/fail.h"

namespace torchkeep {
namespace {

enum class Family { integer, floating, complex, quantized, bits };

struct Row {
  DType dtype;
  std::string_view name;
  std::int64_t item_bytes;
  std::int64_t items_per_byte;
  Family family;
  std::string_view storage_class;  // empty: stored as bytes of an UntypedStorage
};

constexpr auto kRows = std::to_array<Row>({
    {DType::uint8, "uint8", 1, 1, Family::integer, "ByteStorage"},
    {DType::int8, "int8", 1, 1, Family::integer, "CharStorage"},
    {DType::int16, "int16", 2, 1, Family::integer, "ShortStorage"},
    {DType::int32, "int32", 4, 1, Family::integer, "IntStorage"},
    {DType::int64, "int64", 8, 1, Family::integer, "LongStorage"},
    {DType::float16, "float16", 2, 1, Family::floating, "HalfStorage"},
    {DType::float32, "float32", 4, 1, Family::floating, "FloatStorage"},
    {DType::float64, "float64", 8, 1, Family::floating, "DoubleStorage"},
    {DType::complex32, "complex32", 4, 1, Family::complex, ""},
    {DType::complex64, "complex64", 8, 1, Family::complex, "ComplexFloatStorage"},
    {DType::complex128, "complex128", 16, 1, Family::complex, "ComplexDoubleStorage"},
    {DType::boolean, "bool", 1, 1, Family::integer, "BoolStorage"},
    {DType::qint8, "qint8", 1, 1, Family::quantized, "QInt8Storage"},
    {DType::quint8, "quint8", 1, 1, Family::quantized, "QUInt8Storage"},
    {DType::qint32, "qint32", 4, 1, Family::quantized, "QInt32Storage"},
    {DType::bfloat16, "bfloat16", 2, 1, Family::floating, "BFloat16Storage"},
    {DType::quint4x2, "quint4x2", 1, 2, Family::quantized, "QUInt4x2Storage"},
    {DType::quint2x4, "quint2x4", 1, 4, Family::quantized, "QUInt2x4Storage"},
    {DType::bits1x8, "bits1x8", 1, 1, Family::bits, ""},
    {DType::bits2x4, "bits2x4", 1, 1, Family::bits, ""},
    {DType::bits4x2, "bits4x2", 1, 1, Family::bits, ""},
    {DType::bits8, "bits8", 1, 1, Family::bits, ""},
    {DType::bits16, "bits16", 2, 1, Family::bits, ""},
    {DType::float8_e5m2, "float8_e5m2", 1, 1, Family::floating, ""},
    {DType::float8_e4m3fn, "float8_e4m3fn", 1, 1, Family::floating, ""},
    {DType::float8_e5m2fnuz, "float8_e5m2fnuz", 1, 1, Family::floating, ""},
    {DType::float8_e4m3fnuz, "float8_e4m3fnuz", 1, 1, Family::floating, ""},
    {DType::uint16, "uint16", 2, 1, Family::integer, ""},
    {DType::uint32, "uint32", 4, 1, Family::integer, ""},
    {DType::uint64, "uint64", 8, 1, Family::integer, ""},
    {DType::float8_e8m0fnu, "float8_e8m0fnu", 1, 1, Family::floating, ""},
    {DType::float4_e2m1fn_x2, "float4_e2m1fn_x2", 1, 1, Family::floating, ""},
});

const Row& row(DType dtype) {
  const auto found =
      std::find_if(kRows.begin(), kRows.end(), [dtype](const Row& r) { return r.dtype == dtype; });
  if (found == kRows.end()) {
    fail(ErrorCode::internal, "no such dtype: number {}", static_cast<int>(dtype));
  }
  return *found;
}

}  // namespace

std::string_view name(DType dtype) { return row(dtype).name; }

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const Row& r : kRows) {
    if (r.name == name) return r.dtype;
  }
  return std::nullopt;
}

std::int64_t item_bytes(DType dtype) { return row(dtype).item_bytes; }
std::int64_t items_per_byte(DType dtype) { return row(dtype).items_per_byte; }
bool is_floating_point(DType dtype) { return row(dtype).family == Family::floating; }
bool is_complex(DType dtype) { return row(dtype).family == Family::complex; }
bool is_quantized(DType dtype) { return row(dtype).family == Family::quantized; }
std::string_view storage_class(DType dtype) { return row(dtype).storage_class; }

std::optional<DType> dtype_from_storage_class(std::string_view storage_class) {
  for (const Row& r : kRows) {
    if (!r.storage_class.empty() && r.storage_class == storage_class) return r.dtype;
  }
  return std::nullopt;
}

}  // namespace torchkeep
