#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include <torchkeep/diff.h>

#include "base/fail.h"
#include "base/parallel.h"
#include "data/find_value.h"
#include "format/load_file.h"
#include "inspect/compare_elements.h"
#include "inspect/diff_leaves.h"
#include "inspect/diff_renames.h"
#include "inspect/diff_training.h"
#include "inspect/frozen_names.h"
#include "io/system_error.h"

namespace torchkeep {
namespace {

using inspection::CommonTensor;
using inspection::MatchedLeaves;
using inspection::NamedTensor;

constexpr std::string_view kWeight = "weight";

void check(const DiffOptions& options) {
  for (const double tolerance : {options.rtol, options.atol}) {
    if (tolerance >= 0) continue;  // false for NaN
    fail(ErrorCode::invalid_argument, "a tolerance of {} (expected a number from 0)", tolerance);
  }
}

TensorForm form_of(const std::string& name, const Tensor& tensor) {
  return {name, tensor.dtype(), tensor.shape()};
}

std::vector<TensorForm> forms_of(const std::vector<NamedTensor>& tensors) {
  std::vector<TensorForm> forms;
  for (const NamedTensor& each : tensors) forms.push_back(form_of(each.name, each.tensor));
  return forms;
}

bool same_quantizer(const Tensor& a, const Tensor& b) {
  const Quantizer* x = a.quantizer().get();
  const Quantizer* y = b.quantizer().get();
  if (x == nullptr || y == nullptr) return x == y;
  return x->scheme == y->scheme && x->scale == y->scale && x->zero_point == y->zero_point &&
         x->axis == y->axis && equal(x->scales, y->scales) && equal(x->zero_points, y->zero_points);
}

bool comparable(const CommonTensor& tensor, const DiffOptions& options) {
  return options.values == DiffOptions::Values::compare && tensor.a.shape() == tensor.b.shape() &&
         items_per_byte(tensor.a.dtype()) == items_per_byte(tensor.b.dtype());
}

void add_tensor(const CommonTensor& tensor,
                std::optional<ElementDiff> elements,
                const DiffOptions& options,
                Diff& diff) {
  TensorDiff result{form_of(tensor.name, tensor.a), form_of(tensor.name, tensor.b)};
  const bool same_type = tensor.a.dtype() == tensor.b.dtype();
  const bool same_shape = tensor.a.shape() == tensor.b.shape();
  result.quantizer_differs = !same_quantizer(tensor.a, tensor.b);
  result.same = same_shape && !result.quantizer_differs &&
                (same_type || options.dtypes == DiffOptions::DTypes::ignore) &&
                (!elements || elements->different == 0);
  const bool same_bits = !elements || elements->bit_equal == elements->elements;
  if (result.same && same_type && same_bits) {
    ++diff.identical_tensors;
    diff.identical_bytes += tensor.a.size_bytes();
    return;
  }
  result.elements = std::move(elements);
  diff.tensors.push_back(std::move(result));
}

void compare_tensors(const std::vector<CommonTensor>& tensors,
                     const DiffOptions& options,
                     Diff& diff) {
  std::vector<inspection::TensorPair> pairs;
  for (const CommonTensor& tensor : tensors) {
    if (comparable(tensor, options)) pairs.push_back({&tensor.a, &tensor.b});
  }
  std::vector<ElementDiff> elements = inspection::compare_elements(pairs, options);
  auto next = elements.begin();
  for (const CommonTensor& tensor : tensors) {
    std::optional<ElementDiff> found;
    if (comparable(tensor, options)) found = std::move(*next++);
    add_tensor(tensor, std::move(found), options, diff);
  }
}

void compare_values(const std::vector<ValueDiff>& values, const DiffOptions& options, Diff& diff) {
  for (const ValueDiff& value : values) {
    if (inspection::same_leaf(value.a, value.b, options)) {
      ++diff.identical_values;
    } else {
      diff.values.push_back(value);
    }
  }
}

// The names that both files give, or all of the only one that gives any.
std::optional<FrozenDiff> compare_frozen(const Value& a, const Value& b, const Diff& diff) {
  const std::vector<std::string> names_a = inspection::frozen_names(a);
  const std::vector<std::string> names_b = inspection::frozen_names(b);
  FrozenDiff frozen;
  std::ranges::set_intersection(names_a, names_b, std::back_inserter(frozen.names));
  if (names_a.empty() || names_b.empty()) frozen.names = names_a.empty() ? names_b : names_a;
  if (frozen.names.empty()) return std::nullopt;
  std::set<std::string_view> touched;
  for (const TensorDiff& tensor : diff.tensors) touched.insert(tensor.a.name);
  for (const TensorForm& form : diff.tensors_only_a) touched.insert(form.name);
  for (const TensorForm& form : diff.tensors_only_b) touched.insert(form.name);
  for (const ValueDiff& value : diff.values) touched.insert(value.name);
  for (const std::string& name : frozen.names) {
    if (touched.contains(name)) frozen.changed.push_back(name);
    if (!name.ends_with(kWeight)) continue;
    const std::string module = name.substr(0, name.size() - kWeight.size());
    for (const char* buffer : {"running_mean", "running_var", "num_batches_tracked"}) {
      if (touched.contains(module + buffer)) frozen.changed.push_back(module + buffer);
    }
  }
  return frozen;
}

Value load_part(const std::filesystem::path& path,
                const std::string& key,
                const DiffOptions& options) {
  const LoadOptions load_options{.access = Access::map, .limits = options.limits};
  try {
    return find_value(load(path, load_options), key);
  } catch (Error& error) {
    error.add_place(io::at_path(path));
    throw;
  }
}

}  // namespace

bool Diff::same() const {
  return tensors_only_a.empty() && tensors_only_b.empty() && renamed.empty() &&
         values_only_a.empty() && values_only_b.empty() && values.empty() &&
         std::ranges::all_of(tensors, &TensorDiff::same);
}

Diff diff_values(const Value& a, const Value& b, const DiffOptions& options) {
  check(options);
  const Value part_a = find_value(a, options.key_a);
  const Value part_b = find_value(b, options.key_b);
  MatchedLeaves leaves = inspection::match_leaves(part_a, part_b, options.limits);
  Diff result;
  if (options.values == DiffOptions::Values::compare) {
    result.renamed = inspection::take_renamed(leaves.tensors_only_a, leaves.tensors_only_b,
                                              effective_threads(options.threads));
  }
  result.tensors_only_a = forms_of(leaves.tensors_only_a);
  result.tensors_only_b = forms_of(leaves.tensors_only_b);
  result.values_only_a = std::move(leaves.values_only_a);
  result.values_only_b = std::move(leaves.values_only_b);
  compare_tensors(leaves.tensors, options, result);
  compare_values(leaves.values, options, result);
  result.training = inspection::compare_training(part_a, part_b, result);
  if (options.values == DiffOptions::Values::compare) {
    result.frozen = compare_frozen(part_a, part_b, result);
  }
  return result;
}

Diff diff(const std::filesystem::path& a,
          const std::filesystem::path& b,
          const DiffOptions& options) {
  check(options);
  DiffOptions rest = options;
  rest.key_a.clear();
  rest.key_b.clear();
  const Value part_a = load_part(a, options.key_a, options);
  Diff result = diff_values(part_a, load_part(b, options.key_b, options), rest);
  result.path_a = a;
  result.path_b = b;
  return result;
}

}  // namespace torchkeep
