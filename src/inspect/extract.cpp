#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include <torchkeep/cast.h>
#include <torchkeep/extract.h>
#include <torchkeep/load.h>

#include <fmt/format.h>

#include "base/fail.h"
#include "data/element.h"
#include "data/element_runs.h"
#include "data/find_value.h"
#include "io/system_error.h"

namespace torchkeep {
namespace {

// The same elements in a storage that holds nothing else; not copied unless they lie apart.
Tensor on_its_own(const Tensor& tensor) {
  if (!tensor.is_contiguous()) return tensor.contiguous();
  const auto bytes = tensor.bytes();
  if (bytes.size() == tensor.storage().size_bytes()) return tensor;
  Storage storage(const_cast<std::byte*>(bytes.data()), bytes.size(),
                  std::make_shared<Storage>(tensor.storage()), tensor.storage().dtype(),
                  tensor.storage().location());
  Tensor result(std::move(storage), tensor.dtype(), tensor.shape());
  result.set_requires_grad(tensor.requires_grad());
  result.set_is_parameter(tensor.is_parameter());
  result.set_quantizer(tensor.quantizer());
  return result;
}

// As Python's repr(): the fewest digits that give the number back.
template <class Float>
std::string float_text(Float number) {
  if (!std::isfinite(number)) return fmt::format("{}", number);
  const std::string text = fmt::format("{}", number);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

// One element, as the widest type of its kind.
std::string element_text(const std::byte* bytes, DType dtype) {
  const auto as = [&](auto number, DType wide) {
    element::convert(bytes, dtype, reinterpret_cast<std::byte*>(&number), wide, 1);
    return number;
  };
  if (dtype == DType::boolean) return *bytes == std::byte{0} ? "False" : "True";
  if (dtype == DType::uint64) return std::to_string(as(std::uint64_t{}, DType::uint64));
  if (dtype == DType::float64) return float_text(as(0.0, DType::float64));
  if (is_floating_point(dtype)) return float_text(as(0.0F, DType::float32));
  if (!is_complex(dtype)) return std::to_string(as(std::int64_t{}, DType::int64));
  double parts[2];
  element::convert(bytes, dtype, reinterpret_cast<std::byte*>(parts), DType::complex128, 1);
  return fmt::format("({}{:+}j)", parts[0], parts[1]);
}

// How many brackets close before element `i`, and open again: one at the end of a row, two at the
// end of a plane, and so on.
std::size_t brackets_before(std::int64_t i, const Shape& shape) {
  std::size_t brackets = 0;
  std::int64_t elements = 1;
  for (std::size_t d = shape.size(); d-- > 1;) {
    elements *= shape[d];
    if (i % elements != 0) break;
    ++brackets;
  }
  return brackets;
}

}  // namespace

Value extract(const std::filesystem::path& path, std::string_view name, const Limits& limits) {
  try {
    const Value value = find_value(load(path, {.access = Access::map, .limits = limits}), name);
    return value.is_tensor() ? Value(on_its_own(value.as_tensor())) : value;
  } catch (Error& error) {
    error.add_place(io::at_path(path));
    throw;
  }
}

std::string elements_to_string(const Tensor& tensor, std::int64_t max_elements) {
  if (!is_number(tensor.dtype())) {
    fail(ErrorCode::unsupported, "the elements of a {} tensor are no numbers",
         torchkeep::name(tensor.dtype()));
  }
  if (tensor.numel() > max_elements) {
    fail(ErrorCode::invalid_argument,
         "a tensor of {} elements is too long to be shown (at most {})", tensor.numel(),
         max_elements);
  }
  std::vector<std::byte> scratch;
  const auto item = static_cast<std::size_t>(item_bytes(tensor.dtype()));
  const std::byte* bytes = element::elements(tensor, 0, tensor.numel(), scratch);
  if (tensor.dim() == 0) return element_text(bytes, tensor.dtype());
  const std::size_t depth = tensor.shape().size();
  if (tensor.numel() == 0) return std::string(depth, '[') + std::string(depth, ']');
  std::string text(depth, '[');
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    const std::size_t closed = brackets_before(i, tensor.shape());
    if (i > 0) text += std::string(closed, ']') + ", " + std::string(closed, '[');
    text += element_text(bytes + static_cast<std::size_t>(i) * item, tensor.dtype());
  }
  return text + std::string(depth, ']');
}

}  // namespace torchkeep
