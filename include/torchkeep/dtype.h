// Element types, with PyTorch's names and numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace torchkeep {

// The numbers are those of c10::ScalarType and are written to no file by torchkeep itself.
enum class DType : std::uint8_t {
  uint8 = 0,
  int8 = 1,
  int16 = 2,
  int32 = 3,
  int64 = 4,
  float16 = 5,
  float32 = 6,
  float64 = 7,
  complex32 = 8,
  complex64 = 9,
  complex128 = 10,
  boolean = 11,
  qint8 = 12,
  quint8 = 13,
  qint32 = 14,
  bfloat16 = 15,
  quint4x2 = 16,
  quint2x4 = 17,
  bits1x8 = 18,
  bits2x4 = 19,
  bits4x2 = 20,
  bits8 = 21,
  bits16 = 22,
  float8_e5m2 = 23,
  float8_e4m3fn = 24,
  float8_e5m2fnuz = 25,
  float8_e4m3fnuz = 26,
  uint16 = 27,
  uint32 = 28,
  uint64 = 29,
  float8_e8m0fnu = 44,
  float4_e2m1fn_x2 = 45,
};

// PyTorch's name without "torch.", such as "float32" or "bool".
std::string_view name(DType dtype);

// The type with that name; nothing if there is none. Does not know aliases such as "half".
std::optional<DType> dtype_from_name(std::string_view name);

// Bytes of one element; 1 for the packed quantised types, whose byte holds several elements.
std::int64_t item_bytes(DType dtype);

// Elements that share one byte: 2 for quint4x2, 4 for quint2x4, 1 for every other type.
// float4_e2m1fn_x2 counts its pairs as elements, as PyTorch does.
std::int64_t items_per_byte(DType dtype);

bool is_floating_point(DType dtype);  // real floats of any width, float8 and float4 included
bool is_complex(DType dtype);
bool is_quantized(DType dtype);

// The class that names this type in a file of torch.save, such as "FloatStorage"; empty for the
// newer types, which are stored as bytes of an UntypedStorage with the type beside them.
std::string_view storage_class(DType dtype);

// The type of a storage class, such as "FloatStorage"; nothing for an unknown name and for
// "UntypedStorage", which has none.
std::optional<DType> dtype_from_storage_class(std::string_view storage_class);

}  // namespace torchkeep
