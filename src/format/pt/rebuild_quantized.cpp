#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "format/pt/rebuild.h"

namespace torchkeep::pt {
namespace {

using Scheme = Quantizer::Scheme;

struct SchemeName {
  Scheme scheme;
  std::string_view name;  // in torch
};

constexpr auto kSchemes = std::to_array<SchemeName>({
    {Scheme::per_tensor_affine, "per_tensor_affine"},
    {Scheme::per_channel_affine, "per_channel_affine"},
    {Scheme::per_channel_affine_float_qparams, "per_channel_affine_float_qparams"},
});

std::optional<Scheme> as_scheme(const Value& value) {
  for (const auto& [scheme, name] : kSchemes) {
    if (value.as_object().is_global("torch", name)) return scheme;
  }
  return std::nullopt;
}

// The numbers that an element can be.
std::pair<std::int64_t, std::int64_t> range_of(DType dtype) {
  switch (dtype) {
    case DType::qint8:
      return {-128, 127};
    case DType::quint8:
      return {0, 255};
    case DType::quint4x2:
      return {0, 15};
    case DType::quint2x4:
      return {0, 3};
    default:
      return {INT32_MIN, INT32_MAX};
  }
}

bool is_list_of_numbers(const Value& value) {
  return value.is_list() && std::ranges::all_of(value.as_list(), &Value::is_number);
}

// Each number as it is in the list: those of zero points are ints.
Tensor tensor_from(const List& numbers, DType dtype) {
  const Shape shape = {static_cast<std::int64_t>(numbers.size())};
  if (dtype == DType::int64) {
    std::vector<std::int64_t> ints;
    for (const Value& number : numbers) ints.push_back(number.as_int());
    return Tensor::of(std::span<const std::int64_t>(ints), shape);
  }
  std::vector<double> doubles;
  for (const Value& number : numbers) doubles.push_back(number.as_double());
  return Tensor::of(std::span<const double>(doubles), shape);
}

List list_from(const Tensor& tensor) {
  List numbers;
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    const double number = tensor.item_as_double(i);
    numbers.push_back(tensor.dtype() == DType::int64 ? Value(static_cast<std::int64_t>(number))
                                                     : Value(number));
  }
  return numbers;
}

void read_channels(const List& parameters, const Object& callee, Quantizer& quantizer) {
  expect(parameters.size() == 4 && parameters[3].is_int(), callee, "wrong quantisation parameters");
  quantizer.axis = parameters[3].as_int();
  if (is_list_of_numbers(parameters[1]) && is_list_of_numbers(parameters[2])) {
    quantizer.form = Quantizer::Form::lists;
    quantizer.scales = tensor_from(parameters[1].as_list(), DType::float64);
    quantizer.zero_points = tensor_from(parameters[2].as_list(), DType::int64);
    return;
  }
  expect(parameters[1].is_tensor() && parameters[2].is_tensor(), callee,
         "wrong quantisation parameters");
  quantizer.scales = parameters[1].as_tensor();
  quantizer.zero_points = parameters[2].as_tensor();
}

void check_channels(const Quantizer& quantizer,
                    const Tensor& tensor,
                    const Object& callee,
                    ContentChecks& checks) {
  const std::int64_t axis = quantizer.axis;
  expect(axis >= 0 && axis < tensor.dim(), callee, "a channel axis outside of the shape");
  const Shape channels = {tensor.shape()[static_cast<std::size_t>(axis)]};
  expect(quantizer.scales.shape() == channels && quantizer.zero_points.shape() == channels, callee,
         "scales or zero points that are not one for each channel");
  if (quantizer.zero_points.dtype() != DType::int64) return;  // those of float parameters
  const auto [least, most] = range_of(tensor.dtype());
  checks.add_range(quantizer.zero_points, least, most, "zero points");
}

}  // namespace

std::optional<Quantizer> as_quantizer(const Value& value,
                                      const Tensor& tensor,
                                      const Object& callee,
                                      ContentChecks& checks) {
  expect(value.is_tuple() && value.size() > 0, callee, "no quantisation parameters");
  const List& parameters = value.as_tuple();
  expect(parameters[0].is_object(), callee, "no quantisation scheme");
  const std::optional<Scheme> scheme = as_scheme(parameters[0]);
  if (!scheme) return std::nullopt;
  Quantizer quantizer;
  quantizer.scheme = *scheme;
  if (*scheme != Scheme::per_tensor_affine) {
    read_channels(parameters, callee, quantizer);
    check_channels(quantizer, tensor, callee, checks);
    return quantizer;
  }
  expect(parameters.size() == 3 && parameters[1].is_number() && parameters[2].is_int(), callee,
         "wrong quantisation parameters");
  quantizer.scale = parameters[1].as_double();
  quantizer.zero_point = parameters[2].as_int();
  const auto [least, most] = range_of(tensor.dtype());
  expect(quantizer.zero_point >= least && quantizer.zero_point <= most, callee,
         "a zero point that no element can be");
  return quantizer;
}

Value quantization(const Quantizer& quantizer) {
  const auto scheme = std::ranges::find(kSchemes, quantizer.scheme, &SchemeName::scheme);
  if (scheme == kSchemes.end()) fail(ErrorCode::internal, "a quantiser of no scheme");
  const Value name = Object::global("torch", std::string(scheme->name));
  if (quantizer.scheme == Scheme::per_tensor_affine) {
    return tuple({name, quantizer.scale, quantizer.zero_point});
  }
  if (quantizer.form == Quantizer::Form::lists) {
    return tuple(
        {name, list_from(quantizer.scales), list_from(quantizer.zero_points), quantizer.axis});
  }
  return tuple({name, quantizer.scales, quantizer.zero_points, quantizer.axis});
}

}  // namespace torchkeep::pt
