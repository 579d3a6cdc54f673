#include "format/npy/array_header.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/byte_reader.h"
#include "base/fail.h"
#include "base/printable.h"
#include "data/numpy_type.h"
#include "format/npy/literal.h"

namespace torchkeep::npy {
namespace {

constexpr std::size_t kVersionOffset = kMagic.size();
constexpr std::size_t kLengthOffset = kVersionOffset + 2;
// NumPy itself reads no longer ones.
constexpr std::uint64_t kMostLiteralBytes = std::uint64_t{1} << 20;

// Of the length field in a header of that version.
std::size_t length_bytes(int version) { return version == 1 ? 2 : 4; }

int version_of(std::string_view start) {
  if (!start.starts_with(kMagic) || start.size() < kLengthOffset + length_bytes(1)) {
    fail(ErrorCode::corrupt, "is no NumPy array: it does not begin as one");
  }
  const int major = static_cast<unsigned char>(start[kVersionOffset]);
  const int minor = static_cast<unsigned char>(start[kVersionOffset + 1]);
  if (major < 1 || major > 3 || minor != 0) {
    fail_at(ErrorCode::unsupported, {}, "use a newer torchkeep",
            "a NumPy array of version {}.{} (expected 1.0 to 3.0)", major, minor);
  }
  return major;
}

[[noreturn]] void throw_no_number(std::string_view descr) {
  const std::size_t kind = descr.find_first_not_of("<>=|");
  if (kind != std::string_view::npos && descr[kind] == 'O') {
    fail_at(ErrorCode::unsupported, {}, "save it with allow_pickle=False",
            "an array of Python objects, which only running a pickle could read");
  }
  fail(ErrorCode::unsupported, "an array of the type \"{}\", which PyTorch has not",
       printable(descr));
}

void apply_type(std::string_view descr, ArrayHeader& header) {
  std::string_view name = descr;
  const char order = name.empty() ? '\0' : name.front();
  if (order == '<' || order == '>' || order == '=' || order == '|') name.remove_prefix(1);
  const std::optional<DType> dtype = dtype_from_numpy_name(name == "?" ? "b1" : name);
  if (!dtype) throw_no_number(descr);
  header.dtype = *dtype;
  header.is_big_endian = order == '>';
}

// "(3, 4)", "(3,)", "()".
std::string tuple_text(const Shape& shape) {
  std::string text;
  for (const std::int64_t size : shape) text += fmt::format("{}{}", text.empty() ? "" : ", ", size);
  return fmt::format("({}{})", text, shape.size() == 1 ? "," : "");
}

}  // namespace

std::uint64_t header_bytes(std::string_view start) {
  const std::size_t field = length_bytes(version_of(start));
  ByteReader reader(std::as_bytes(std::span(start)));
  reader.bytes(kLengthOffset);
  const std::uint64_t length = field == 2 ? reader.u16() : reader.u32();
  if (length > kMostLiteralBytes) {
    fail(ErrorCode::unsafe,
         "the header of the array is too long (expected at most {} bytes, got {})",
         kMostLiteralBytes, length);
  }
  return kLengthOffset + field + length;
}

ArrayHeader parse_header(std::string_view header) {
  const std::size_t prefix = kLengthOffset + length_bytes(version_of(header));
  HeaderFields fields = parse_literal(header.substr(prefix));
  ArrayHeader result;
  apply_type(fields.descr, result);
  result.is_fortran_order = fields.fortran_order;
  result.shape = std::move(fields.shape);
  result.bytes = header.size();
  return result;
}

std::string make_header(const Tensor& tensor) {
  const std::string_view type = numpy_name(tensor.dtype());
  if (type.empty()) {
    fail_at(ErrorCode::unsupported, {}, "convert it, or save as .pt",
            "NumPy has no type for {} tensors", name(tensor.dtype()));
  }
  const bool fortran = is_fortran_order(tensor);
  std::string text = fmt::format("{{'descr': '{}{}', 'fortran_order': {}, 'shape': {}, }}",
                                 item_bytes(tensor.dtype()) == 1 ? '|' : '<', type,
                                 fortran ? "True" : "False", tuple_text(tensor.shape()));
  // NumPy leaves room for the axis along which an array grows.
  constexpr std::size_t kMostDigits = 21;
  if (!tensor.shape().empty()) {
    const std::int64_t size = fortran ? tensor.shape().back() : tensor.shape().front();
    text.append(kMostDigits - std::to_string(size).size(), ' ');
  }
  constexpr std::size_t kAlignment = 64;
  const std::size_t prefix = kLengthOffset + length_bytes(1);
  text.append(kAlignment - (prefix + text.size() + 1) % kAlignment, ' ');
  text += '\n';
  std::string header(kMagic);
  header += {'\1', '\0'};
  append_number(header, static_cast<std::uint16_t>(text.size()));
  return header + text;
}

bool is_fortran_order(const Tensor& tensor) {
  return !tensor.is_contiguous() && tensor.numel() > 0 &&
         tensor.strides() == fortran_strides(tensor.shape());
}

Shape fortran_strides(const Shape& shape) {
  Shape reversed = contiguous_strides(Shape(shape.rbegin(), shape.rend()));
  std::ranges::reverse(reversed);
  return reversed;
}

}  // namespace torchkeep::npy
