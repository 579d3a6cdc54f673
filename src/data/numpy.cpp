#include "data/numpy.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "base/fail.h"
#include "data/byte_order.h"
#include "data/element.h"
#include "data/numpy_type.h"

namespace torchkeep {
namespace {

struct ElementType {
  DType dtype = DType::float32;
  bool is_big_endian = false;
};

// numpy.core.NAME up to NumPy 1, numpy._core.NAME since NumPy 2.
bool is_call_of_numpy(const Object& object, std::string_view module, std::string_view name) {
  return object.is_call_of("numpy.core." + std::string(module), name) ||
         object.is_call_of("numpy._core." + std::string(module), name);
}

// numpy.dtype('f4', False, True) with the state (3, '<', ...).
std::optional<ElementType> element_type(const Value& value) {
  if (!value.is_object() || !value.as_object().is_call_of("numpy", "dtype")) return std::nullopt;
  const Object& dtype = value.as_object();
  if (!dtype.arguments().is_tuple() || dtype.arguments().size() == 0) return std::nullopt;
  const Value& name = dtype.arguments()[0];
  if (!name.is_string()) return std::nullopt;
  const std::optional<DType> known = dtype_from_numpy_name(name.as_string());
  if (!known) return std::nullopt;
  const bool has_order =
      dtype.state.is_tuple() && dtype.state.size() > 1 && dtype.state[1].is_string();
  return ElementType{*known, has_order && dtype.state[1].as_string() == ">"};
}

std::optional<Shape> shape_of(const Value& value) {
  if (!value.is_tuple()) return std::nullopt;
  Shape shape;
  for (const Value& size : value.items()) {
    if (!size.is_int()) return std::nullopt;
    shape.push_back(size.as_int());
  }
  return shape;
}

// The first dimension varies fastest.
Shape fortran_strides(const Shape& shape) {
  Shape strides = contiguous_strides({shape.rbegin(), shape.rend()});
  std::ranges::reverse(strides);
  return strides;
}

Storage swapped(const std::string& bytes, DType dtype) {
  Storage storage = Storage::allocate(bytes.size(), dtype);
  const std::span<std::byte> target = storage.mutable_bytes();
  std::ranges::copy(std::as_bytes(std::span(bytes)), target.begin());
  swap_byte_order(target, dtype);
  return storage;
}

// NumPy lets no one write to bytes; a Storage that does writes to what the object holds.
Storage shared(const Value& bytes, DType dtype) {
  const std::string& text = bytes.as_bytes();
  auto* const data = reinterpret_cast<std::byte*>(const_cast<char*>(text.data()));
  return Storage(data, text.size(), std::make_shared<const Value>(bytes), dtype);
}

// Nothing unless the bytes are exactly those of the elements.
std::optional<Tensor> make_tensor(const Value& bytes,
                                  const Value& dtype,
                                  const Value& shape_value,
                                  bool is_fortran) {
  const std::optional<ElementType> type = element_type(dtype);
  const std::optional<Shape> shape = shape_of(shape_value);
  if (!bytes.is_bytes() || !type || !shape) return std::nullopt;
  const std::string& text = bytes.as_bytes();
  try {
    const Storage storage =
        type->is_big_endian ? swapped(text, type->dtype) : shared(bytes, type->dtype);
    const Tensor tensor(storage, type->dtype, *shape,
                        is_fortran ? fortran_strides(*shape) : contiguous_strides(*shape));
    if (tensor.size_bytes() == text.size()) return tensor;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument) throw;
  }
  return std::nullopt;
}

// _reconstruct(ndarray, (0,), b'b') with the state (1, shape, dtype, is Fortran order, bytes).
std::optional<Tensor> reconstructed(const Object& object) {
  const Value& state = object.state;
  if (!state.is_tuple() || state.size() != 5 || !state[3].is_bool()) return std::nullopt;
  return make_tensor(state[4], state[2], state[1], state[3].as_bool());
}

// _frombuffer(buffer, dtype, shape, order) of protocol 5; the buffer is bytes or a bytearray.
std::optional<Tensor> from_buffer(const Object& object) {
  const Value& arguments = object.arguments();
  if (!arguments.is_tuple() || arguments.size() != 4 || !arguments[3].is_string()) {
    return std::nullopt;
  }
  Value buffer = arguments[0];
  if (buffer.is_object() && buffer.as_object().is_call_of("builtins", "bytearray") &&
      buffer.as_object().arguments().is_tuple() && buffer.as_object().arguments().size() == 1) {
    buffer = Value(buffer.as_object().arguments()[0]);
  }
  return make_tensor(buffer, arguments[1], arguments[2], arguments[3].as_string() == "F");
}

}  // namespace

std::optional<Tensor> tensor_from_numpy(const Object& object) {
  if (is_call_of_numpy(object, "multiarray", "_reconstruct")) return reconstructed(object);
  if (is_call_of_numpy(object, "numeric", "_frombuffer")) return from_buffer(object);
  return std::nullopt;
}

std::optional<Value> number_from_numpy(const Object& object) {
  if (!is_call_of_numpy(object, "multiarray", "scalar")) return std::nullopt;
  const Value& arguments = object.arguments();
  if (!arguments.is_tuple() || arguments.size() != 2) return std::nullopt;
  const std::optional<Tensor> scalar =
      make_tensor(arguments[1], arguments[0], Value(Tuple{}), false);
  if (!scalar || is_complex(scalar->dtype())) return std::nullopt;
  if (scalar->dtype() == DType::boolean) return Value(scalar->item_as_double() != 0.0);
  if (is_floating_point(scalar->dtype())) return Value(scalar->item_as_double());
  constexpr double kBeyondInt = 9223372036854775808.0;  // 2^63
  if (scalar->item_as_double() >= kBeyondInt) return std::nullopt;
  return element::read_as_int(scalar->bytes().data(), scalar->dtype());
}

}  // namespace torchkeep
