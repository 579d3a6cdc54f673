#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <torchkeep/convert.h>
#include <torchkeep/optimizer.h>

#include <ATen/ops/empty_like.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <torch/nn/module.h>

#include "base/fail.h"
#include "nn/libtorch_version.h"
#include "nn/optimizer_class.h"
#include "nn/optimizer_parameters.h"

namespace torchkeep {
namespace optimizer_load_detail {

using Group = torch::optim::OptimizerParamGroup;
using Options = OptimizerClass::Options;
using State = OptimizerClass::State;

// A parameter of the optimizer and the key of its state in the file.
struct Pair {
  at::Tensor parameter;
  std::string name;
  Value file_index;
};

bool is_optimizer_state(const Value& value) {
  const Value* state = value.find("state");
  const Value* groups = value.find("param_groups");
  return state && state->is_dict() && groups && groups->is_list();
}

void check_is_optimizer_state(const Value& value) {
  if (is_optimizer_state(value)) return;
  std::string advice;
  if (value.is_dict()) {
    for (const auto& [key, held] : value.as_dict()) {
      if (key.is_string() && is_optimizer_state(held)) {
        advice = fmt::format("pass value[\"{}\"]", key.as_string());
      }
    }
  }
  fail_at(ErrorCode::mismatch, {}, advice,
          "not the state of an optimizer (expected a dict with 'state' and 'param_groups', got {})",
          to_string(value, {.max_depth = 1, .max_items = 8}));
}

// Adds where in the file it was to the errors that `read` throws.
template <class Read>
auto at_place(const std::string& place, Read read) {
  try {
    return read();
  } catch (Error& error) {
    error.add_place({.tensor = place});
    throw;
  }
}

// The name of the class that has all these options; empty if none has.
std::string_view class_with_options(const Value& group) {
  for (const OptimizerClass& each : optimizer_classes()) {
    const bool has_all = std::all_of(
        each.options.begin(), each.options.end(),
        [&](const OptimizerOption& option) { return !option.write || group.contains(option.key); });
    if (has_all) return each.name;
  }
  return {};
}

void check_python_only(const OptimizerOption& option, const Options& options, const Value& value) {
  if (option.key == "maximize" && !equal(value, option.read(options))) {
    fail(ErrorCode::unsupported, "LibTorch's optimizers can only minimise (got maximize {})",
         to_string(value));
  }
  if (option.key == "decoupled_weight_decay" && !equal(value, option.read(options))) {
    fail_at(ErrorCode::mismatch, {}, "Adam and AdamW treat the weight decay differently",
            "another class of optimizer (expected decoupled_weight_decay {}, got {})",
            to_string(option.read(options)), to_string(value));
  }
}

std::unique_ptr<Options> read_options(const OptimizerClass& description,
                                      const Group& group,
                                      const Value& from,
                                      const std::string& place) {
  std::unique_ptr<Options> options = group.options().clone();
  for (const OptimizerOption& option : description.options) {
    const Value* value = from.find(option.key);
    if (!value && option.write) {
      const std::string_view other = class_with_options(from);
      fail_at(ErrorCode::mismatch, {.tensor = place},
              other.empty() ? "" : fmt::format("it looks like {}", other),
              "the options are not those of {} (there is no '{}')", description.name, option.key);
    }
    if (!value) continue;
    at_place(fmt::format("{}.{}", place, option.key), [&] {
      if (option.write) {
        option.write(*options, *value);
      } else {
        check_python_only(option, *options, *value);
      }
    });
  }
  Dict entries = from.as_dict();
  entries.erase("params");
  entries.erase("param_names");
  return description.with_entries(*options, std::move(entries));
}

std::string quoted(const std::vector<std::string>& names) {
  return names.empty() ? "none" : fmt::format("'{}'", fmt::join(names, "', '"));
}

// The file's indexes in the order of the optimizer's parameters.
std::vector<Value> match_by_name(const std::vector<Pair>& wanted,
                                 const ParameterNames& names,
                                 const List& file_names,
                                 const List& file_indexes,
                                 const std::string& place) {
  std::unordered_set<const void*> wanted_parameters;
  for (const Pair& pair : wanted) wanted_parameters.insert(pair.parameter.unsafeGetTensorImpl());
  std::unordered_map<const void*, Value> index_of;
  std::vector<std::string> only_in_file;
  for (std::size_t i = 0; i < file_names.size(); ++i) {
    const void* parameter = names.find(file_names[i].as_string()).unsafeGetTensorImpl();
    const bool is_new = wanted_parameters.contains(parameter) &&
                        index_of.emplace(parameter, file_indexes[i]).second;
    if (!is_new) only_in_file.push_back(file_names[i].as_string());
  }
  std::vector<std::string> only_here;
  std::vector<Value> indexes;
  for (const Pair& pair : wanted) {
    const auto found = index_of.find(pair.parameter.unsafeGetTensorImpl());
    if (found == index_of.end()) {
      only_here.push_back(pair.name);
    } else {
      indexes.push_back(found->second);
    }
  }
  if (!only_here.empty() || !only_in_file.empty()) {
    fail_at(ErrorCode::mismatch, {.tensor = place},
            "make the optimizer with the same parameters in the same groups",
            "other parameters (only in the optimizer: {}; only in the file: {})", quoted(only_here),
            quoted(only_in_file));
  }
  return indexes;
}

// Each parameter of the group with its index in the file.
std::vector<Pair> match_parameters(const Group& group,
                                   std::int64_t first_index,
                                   const ParameterNames& names,
                                   const Value& from,
                                   const std::string& place) {
  std::vector<Pair> pairs;
  for (const at::Tensor& parameter : group.params()) {
    pairs.push_back({parameter, names.name_of(parameter, first_index++), Value()});
  }
  const Value* params = from.find("params");
  if (!params || !params->is_list()) {
    fail_at(ErrorCode::mismatch, {.tensor = place}, "", "there is no list 'params'");
  }
  const List& file_indexes = params->items();
  const Value* file_names = from.find("param_names");
  const bool has_names = file_names && file_names->is_list();
  if (has_names && file_names->size() != file_indexes.size()) {
    fail_at(ErrorCode::corrupt, {.tensor = place}, "", "{} names for {} parameters",
            file_names->size(), file_indexes.size());
  }
  if (!has_names && file_indexes.size() != pairs.size()) {
    fail_at(ErrorCode::mismatch, {.tensor = place},
            "make the optimizer with the same parameters in the same groups",
            "another number of parameters (expected {}, got {})", pairs.size(),
            file_indexes.size());
  }
  const std::vector<Value> indexes =
      has_names
          ? at_place(place,
                     [&] {
                       return match_by_name(pairs, names, file_names->items(), file_indexes, place);
                     })
          : file_indexes;
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i].file_index = indexes[i];
  return pairs;
}

std::int64_t read_step(const Value* value) {
  if (!value) fail(ErrorCode::mismatch, "there is no 'step'");
  if (value->is_tensor() && value->as_tensor().numel() != 1) {
    fail(ErrorCode::mismatch, "'step' has the shape {}", to_string(value->as_tensor().shape()));
  }
  const double step = value->as_double();
  constexpr double kMax = 9007199254740992;  // above it a double does not hold every integer
  if (!(step >= 0 && step <= kMax && step == std::floor(step))) {
    fail(ErrorCode::mismatch, "'step' is no count (got {})", step);
  }
  return static_cast<std::int64_t>(step);
}

// A copy with the type, the device and the layout of the parameter.
at::Tensor read_tensor(std::string_view key, const Value& value, const at::Tensor& parameter) {
  const Tensor& from = value.as_tensor();
  const Shape expected = parameter.sizes().vec();
  if (from.shape() != expected) {
    fail(ErrorCode::mismatch, "'{}' has another shape (expected {}, got {})", key,
         to_string(expected), to_string(from.shape()));
  }
  const auto dtype = static_cast<DType>(parameter.scalar_type());
  const bool converts = is_floating_point(dtype) && is_floating_point(from.dtype());
  if (from.dtype() != dtype && !converts) {
    fail(ErrorCode::mismatch, "'{}' has another type (expected {}, got {})", key, name(dtype),
         name(from.dtype()));
  }
  return at::empty_like(parameter.detach()).copy_(to_torch(from));
}

// Null for a parameter that has made no step.
std::unique_ptr<State> read_state(const OptimizerClass& description,
                                  const Value* entry,
                                  const at::Tensor& parameter,
                                  const Options& options) {
  const auto field_value = [&](const OptimizerStateTensor& field) -> const Value* {
    const Value* value = entry ? entry->find(field.key) : nullptr;
    return value && !value->is_none() ? value : nullptr;
  };
  const bool counts = description.step_form != StepForm::none;
  const bool any_tensor = std::any_of(description.tensors.begin(), description.tensors.end(),
                                      [&](const auto& field) { return field_value(field); });
  if (!any_tensor && !(counts && entry && entry->contains("step"))) {
    return description.initial_state ? description.initial_state(parameter, options) : nullptr;
  }
  std::unique_ptr<State> state = description.new_state();
  if (counts) description.write_step(*state, read_step(entry->find("step")));
  for (const OptimizerStateTensor& field : description.tensors) {
    if (const Value* value = field_value(field)) {
      field.write(*state, read_tensor(field.key, *value, parameter));
    } else if (field.is_needed(options)) {
      fail(ErrorCode::mismatch, "there is no '{}', which these options need", field.key);
    }
  }
  return state;
}

// All that a load will change.
struct Plan {
  std::vector<std::unique_ptr<Options>> options;  // one for each group
  OptimizerStateMap states;
};

void plan_group(Plan& plan,
                const OptimizerClass& description,
                const Group& group,
                const std::vector<Pair>& pairs,
                const Value& from,
                const Value& states,
                const std::string& place) {
  plan.options.push_back(read_options(description, group, from, place));
  for (const Pair& pair : pairs) {
    const Value* entry = states.as_dict().find(pair.file_index);
    std::unique_ptr<State> state = at_place("state of " + pair.name, [&] {
      return read_state(description, entry, pair.parameter, *plan.options.back());
    });
    if (state) plan.states.emplace(optimizer_state_key(pair.parameter), std::move(state));
  }
}

}  // namespace optimizer_load_detail

void load_state_dict(torch::optim::Optimizer& optimizer,
                     const torch::nn::Module& module,
                     const Value& state_dict) {
  namespace detail = optimizer_load_detail;
  detail::check_is_optimizer_state(state_dict);
  const OptimizerClass& description = class_of(optimizer);
  const ParameterNames names(module);
  auto& groups = optimizer.param_groups();
  const List& file_groups = state_dict["param_groups"].items();
  if (file_groups.size() != groups.size()) {
    fail_at(ErrorCode::mismatch, {.tensor = "param_groups"},
            "make the optimizer with the same parameters in the same groups",
            "another number of groups (expected {}, got {})", groups.size(), file_groups.size());
  }
  const c10::NoGradGuard no_grad;
  detail::Plan plan;
  std::int64_t first_index = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::string place = fmt::format("param_groups[{}]", i);
    const auto pairs =
        detail::match_parameters(groups[i], first_index, names, file_groups[i], place);
    detail::plan_group(plan, description, groups[i], pairs, file_groups[i], state_dict["state"],
                       place);
    first_index += static_cast<std::int64_t>(pairs.size());
  }
  optimizer.state() = std::move(plan.states);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i].set_options(std::move(plan.options[i]));
  }
}

}  // namespace torchkeep
