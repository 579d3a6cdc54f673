#include <string_view>

#include <torchkeep/diff.h>

#include "inspect/json_value.h"

namespace torchkeep {
namespace {

using inspection::Json;
using inspection::json_of_number;

std::string_view name_of(TrainingDiff::Part part) {
  switch (part) {
    case TrainingDiff::Part::optimizer:
      return "optimizer";
    case TrainingDiff::Part::scheduler:
      return "scheduler";
    case TrainingDiff::Part::random_state:
      return "random_state";
  }
  return "";
}

Json json_of(const TensorForm& form) {
  return {{"name", form.name}, {"dtype", name(form.dtype)}, {"shape", form.shape}};
}

Json json_of(const RenamedTensor& tensor) {
  return {{"a", tensor.a},
          {"b", tensor.b},
          {"dtype", name(tensor.form.dtype)},
          {"shape", tensor.form.shape},
          {"ambiguous", tensor.is_ambiguous}};
}

void add_numbers(const NumberDiff& numbers, bool has_first, Json& json) {
  json["max_abs"] = json_of_number(numbers.max_abs);
  json["relative_l2"] = json_of_number(numbers.relative_l2);
  json["cosine"] = numbers.cosine ? json_of_number(*numbers.cosine) : Json();
  json["nan_a"] = numbers.nan_a;
  json["nan_b"] = numbers.nan_b;
  if (!has_first) return;
  json["first_a"] = json_of_number(numbers.first_a);
  json["first_b"] = json_of_number(numbers.first_b);
}

Json json_of(const TensorDiff& tensor) {
  Json json = {{"name", tensor.a.name},           {"same", tensor.same},
               {"dtype_a", name(tensor.a.dtype)}, {"dtype_b", name(tensor.b.dtype)},
               {"shape_a", tensor.a.shape},       {"shape_b", tensor.b.shape}};
  if (tensor.quantizer_differs) json["quantizer_differs"] = true;
  if (!tensor.elements) return json;
  json["elements"] = tensor.elements->elements;
  json["bit_equal"] = tensor.elements->bit_equal;
  json["different"] = tensor.elements->different;
  if (tensor.elements->first) json["first"] = *tensor.elements->first;
  if (tensor.elements->numbers) {
    add_numbers(*tensor.elements->numbers, tensor.elements->first.has_value(), json);
  }
  return json;
}

// A value that is a tensor on one side only.
Json json_of_side(const Value& value) {
  if (!value.is_tensor()) return inspection::json_of_leaf(value);
  const Tensor& tensor = value.as_tensor();
  return {{"class", "tensor"}, {"dtype", name(tensor.dtype())}, {"shape", tensor.shape()}};
}

Json json_of(const ValueDiff& value) {
  return {{"name", value.name}, {"a", json_of_side(value.a)}, {"b", json_of_side(value.b)}};
}

Json json_of(const TrainingDiff& training) {
  return {{"part", name_of(training.part)},
          {"name", training.name},
          {"same", training.same},
          {"summary", training.summary},
          {"details", training.details}};
}

Json json_of(const FrozenDiff& frozen) {
  return {
      {"untouched", frozen.changed.empty()}, {"names", frozen.names}, {"changed", frozen.changed}};
}

template <class Items>
Json json_of_all(const Items& items) {
  Json array = Json::array();
  for (const auto& item : items) array.push_back(json_of(item));
  return array;
}

}  // namespace

std::string to_json(const Diff& diff) {
  const Json document = {{"path_a", diff.path_a.string()},
                         {"path_b", diff.path_b.string()},
                         {"same", diff.same()},
                         {"identical_tensors", diff.identical_tensors},
                         {"identical_bytes", diff.identical_bytes},
                         {"identical_values", diff.identical_values},
                         {"tensors", json_of_all(diff.tensors)},
                         {"tensors_only_a", json_of_all(diff.tensors_only_a)},
                         {"tensors_only_b", json_of_all(diff.tensors_only_b)},
                         {"renamed", json_of_all(diff.renamed)},
                         {"values", json_of_all(diff.values)},
                         {"values_only_a", diff.values_only_a},
                         {"values_only_b", diff.values_only_b},
                         {"training", json_of_all(diff.training)},
                         {"frozen", diff.frozen ? json_of(*diff.frozen) : Json()}};
  return inspection::write_json(document);
}

}  // namespace torchkeep
