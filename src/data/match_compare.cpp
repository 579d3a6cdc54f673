#include "data/match_compare.h"

#include <string_view>
#include <unordered_set>

namespace torchkeep {
namespace {

bool is_convertible(DType from, DType to) {
  if (from == to) return true;
  if (is_floating_point(from) && is_floating_point(to)) return true;
  if (is_complex(from) && is_complex(to)) return true;
  const auto is_integer = [](DType dtype) {
    return !is_floating_point(dtype) && !is_complex(dtype) && !is_quantized(dtype);
  };
  // What counts, such as num_batches_tracked, is int64 in every model.
  return to == DType::int64 && is_integer(from) && from != DType::boolean && from < DType::bits1x8;
}

}  // namespace

bool is_loadable(const TensorForm& expected, const Tensor& found) {
  if (!is_convertible(found.dtype(), expected.dtype)) return false;
  // Files of PyTorch before 0.4 hold scalars as tensors of one element.
  const bool is_old_scalar = expected.shape.empty() && found.shape() == Shape{1};
  return expected.shape == found.shape() || is_old_scalar;
}

LoadReport compare(const std::vector<TensorForm>& expected, const StateDict& found) {
  LoadReport report;
  std::unordered_set<std::string_view> expected_names;
  for (const TensorForm& form : expected) {
    expected_names.insert(form.name);
    const Tensor* tensor = found.find(form.name);
    if (!tensor) {
      report.missing_keys.push_back(form.name);
    } else if (is_loadable(form, *tensor)) {
      report.loaded_keys.push_back(form.name);
    } else {
      report.mismatched_keys.push_back(
          {form.name, form, TensorForm{form.name, tensor->dtype(), tensor->shape()}});
    }
  }
  for (const StateDict::Entry& entry : found) {
    if (!expected_names.contains(entry.name)) report.unexpected_keys.push_back(entry.name);
  }
  return report;
}

}  // namespace torchkeep
