#include <string_view>
#include <unordered_map>

#include <torchkeep/inspect.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "inspect/json_value.h"
#include "inspect/module_json.h"

namespace torchkeep {
namespace {

using inspection::Json;

Json json_of(const TensorSummary& tensor) {
  Json json = {{"name", tensor.name},
               {"dtype", name(tensor.dtype)},
               {"shape", tensor.shape},
               {"bytes", tensor.bytes}};
  if (tensor.sha256) json["sha256"] = *tensor.sha256;
  return json;
}

// Two values have one name where a key holds a dot.
std::string distinct_name(const std::string& name, std::unordered_map<std::string, int>& uses) {
  const int use = ++uses[name];
  return use == 1 ? name : fmt::format("{}#{}", name, use);
}

}  // namespace

std::string to_json(const Summary& summary) {
  Json tensors = Json::array();
  for (const TensorSummary& tensor : summary.tensors) tensors.push_back(json_of(tensor));
  Json values = Json::object();
  std::unordered_map<std::string, int> uses;
  for (const auto& [name, value] : summary.values) {
    // The entry is appended: looking for its key would cost the number of entries.
    values.get_ref<Json::object_t&>().emplace_back(distinct_name(name, uses),
                                                   inspection::json_of_leaf(value));
  }
  Json document = {{"path", summary.path.string()},    {"format", summary.format},
                   {"file_bytes", summary.file_bytes}, {"tensors", std::move(tensors)},
                   {"values", std::move(values)},      {"globals", summary.globals}};
  if (summary.delta) {
    document["delta"] = {{"base", summary.delta->base.string()},
                         {"state", name(summary.delta->state)},
                         {"tensors", summary.delta->tensors}};
  }
  if (summary.modules) document["modules"] = inspection::json_of(*summary.modules);
  if (!summary.modules_problem.empty()) document["modules_problem"] = summary.modules_problem;
  return inspection::write_json(document);
}

}  // namespace torchkeep
