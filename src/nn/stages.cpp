#include <algorithm>

#include <torchkeep/freeze.h>

#include <torch/nn/module.h>

#include "base/fail.h"
#include "nn/module_walk.h"

namespace torchkeep {
namespace stages_detail {

constexpr std::size_t kFewStages = 4;  // below, what is below the modules is looked at

struct Part {
  std::string path;
  const torch::nn::Module* module;
};

std::vector<Part> parts_of(const torch::nn::Module& module, const std::string& path) {
  std::vector<Part> parts;
  for (const auto& child : module.named_children()) {
    if (!child.value() || child.value()->parameters().empty()) continue;
    parts.push_back({join_path(path, child.key()), child.value().get()});
  }
  return parts;
}

// The parts below a part that has no parameters of its own; else the part itself.
std::vector<Part> parts_below(const Part& part) {
  if (!part.module->parameters(/*recurse=*/false).empty()) return {part};
  return parts_of(*part.module, part.path);
}

std::vector<Part> expanded(const std::vector<Part>& parts) {
  std::vector<Part> result;
  for (const Part& part : parts) {
    const std::vector<Part> below = parts_below(part);
    result.insert(result.end(), below.begin(), below.end());
  }
  return result;
}

bool same_paths(const std::vector<Part>& a, const std::vector<Part>& b) {
  return std::ranges::equal(a, b, {}, &Part::path, &Part::path);
}

// Scales and shifts alone.
bool is_norm(const torch::nn::Module& module) {
  return module.children().empty() &&
         std::ranges::all_of(module.parameters(),
                             [](const at::Tensor& parameter) { return parameter.dim() == 1; });
}

std::vector<std::string> names_of(const std::vector<NamedTensor>& parameters,
                                  const std::string& path) {
  std::vector<std::string> names;
  for (const NamedTensor& parameter : parameters) {
    if (parameter.name.starts_with(path + ".")) names.push_back(parameter.name);
  }
  return names;
}

}  // namespace stages_detail

std::vector<Stage> stages(const torch::nn::Module& module) {
  namespace detail = stages_detail;
  std::vector<detail::Part> parts = detail::parts_of(module, "");
  while (parts.size() < detail::kFewStages) {
    std::vector<detail::Part> below = detail::expanded(parts);
    if (detail::same_paths(below, parts)) break;
    parts = std::move(below);
  }
  const std::vector<NamedTensor> all = all_parameters(module);
  std::vector<Stage> result;
  std::vector<std::string> first;  // the module's own
  for (const NamedTensor& own : own_tensors(module, "")) {
    if (own.role == NamedTensor::Role::parameter) first.push_back(own.name);
  }
  for (const detail::Part& part : parts) {
    const std::vector<std::string> names = detail::names_of(all, part.path);
    if (result.empty() || !detail::is_norm(*part.module)) result.push_back({part.path, {}});
    std::vector<std::string>& in_stage = result.back().parameters;
    in_stage.insert(in_stage.end(), names.begin(), names.end());
  }
  if (result.empty() && !first.empty()) result.push_back({"", {}});
  if (!result.empty()) {
    std::vector<std::string>& in_stage = result.front().parameters;
    in_stage.insert(in_stage.begin(), first.begin(), first.end());
  }
  return result;
}

std::vector<std::string> freeze_to(torch::nn::Module& module, std::int64_t count) {
  const std::vector<Stage> all = stages(module);
  const auto size = static_cast<std::int64_t>(all.size());
  const std::int64_t frozen = count < 0 ? size + count : count;
  if (frozen < 0 || frozen > size) {
    fail_at(ErrorCode::invalid_argument, {}, "see stages()",
            "{} stages cannot be frozen; the module has {}", count, size);
  }
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < frozen; ++i) {
    const auto& in_stage = all[static_cast<std::size_t>(i)].parameters;
    names.insert(names.end(), in_stage.begin(), in_stage.end());
  }
  set_frozen_parameters(module, names);
  return names;
}

}  // namespace torchkeep
