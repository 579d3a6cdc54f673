#include "inspect/parameter_labels.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace torchkeep::inspection {
namespace {

// Tensors of a state dict that no optimizer knows.
bool is_buffer(std::string_view name) {
  constexpr std::array<std::string_view, 3> kBuffers = {"running_mean", "running_var",
                                                        "num_batches_tracked"};
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return std::ranges::find(kBuffers, last) != kBuffers.end();
}

struct Parameter {
  std::string name;
  Shape shape;
};

// What the state dict of the checkpoint has besides buffers, in its order.
std::vector<Parameter> parameters_in(const Value& checkpoint) {
  std::vector<Parameter> parameters;
  for (const char* key : {"model_state_dict", "state_dict", "model"}) {
    const Value* state_dict = checkpoint.find(key);
    if (state_dict == nullptr || !state_dict->is_dict()) continue;
    for (const auto& [name, value] : state_dict->as_dict()) {
      if (!name.is_string() || !value.is_tensor() || is_buffer(name.as_string())) continue;
      parameters.push_back({name.as_string(), value.as_tensor().shape()});
    }
    break;
  }
  return parameters;
}

// The numbers of all parameters, in the order of the groups.
std::vector<std::string> indexes_of(const Value& optimizer) {
  std::vector<std::string> indexes;
  for (const Value& group : optimizer["param_groups"].items()) {
    const Value* params = group.find("params");
    if (params == nullptr || !params->is_list()) continue;
    for (const Value& index : params->items()) indexes.push_back(to_string(index));
  }
  return indexes;
}

// Moments have the shape of their parameter; steps have none.
bool fits(const Value* state, const Parameter& parameter) {
  if (state == nullptr || !state->is_dict()) return true;
  return std::ranges::all_of(state->as_dict(), [&](const Dict::Entry& entry) {
    return !entry.second.is_tensor() || entry.second.as_tensor().dim() == 0 ||
           entry.second.as_tensor().shape() == parameter.shape;
  });
}

const Value* state_of(const Value& optimizer, const std::string& index) {
  for (const auto& [key, value] : optimizer["state"].as_dict()) {
    if (to_string(key) == index) return &value;
  }
  return nullptr;
}

void add_names_of_groups(const Value& optimizer, std::map<std::string, std::string>& labels) {
  for (const Value& group : optimizer["param_groups"].items()) {
    const Value* params = group.find("params");
    const Value* names = group.find("param_names");
    if (params == nullptr || names == nullptr || !params->is_list() || !names->is_list()) continue;
    for (std::size_t i = 0; i < std::min(params->size(), names->size()); ++i) {
      const Value& name = (*names)[i];
      if (name.is_string()) labels[to_string((*params)[i])] = name.as_string();
    }
  }
}

}  // namespace

bool is_optimizer_state(const Value& value) {
  const Value* state = value.find("state");
  const Value* groups = value.find("param_groups");
  return state != nullptr && state->is_dict() && groups != nullptr && groups->is_list();
}

std::map<std::string, std::string> parameter_labels(const Value& optimizer,
                                                    const Value& checkpoint) {
  std::map<std::string, std::string> labels;
  const std::vector<std::string> indexes = indexes_of(optimizer);
  const std::vector<Parameter> parameters = parameters_in(checkpoint);
  bool all_fit = parameters.size() == indexes.size();
  for (std::size_t i = 0; all_fit && i < indexes.size(); ++i) {
    all_fit = fits(state_of(optimizer, indexes[i]), parameters[i]);
  }
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    labels[indexes[i]] = all_fit ? parameters[i].name : "parameter " + indexes[i];
  }
  add_names_of_groups(optimizer, labels);
  return labels;
}

}  // namespace torchkeep::inspection
