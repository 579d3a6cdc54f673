#include "inspect/module_json.h"

#include <unordered_map>

namespace torchkeep::inspection {
namespace {

constexpr std::size_t kMostItems = 64;

bool is_scalar(const Value& value) {
  return value.is_none() || value.is_bool() || value.is_number() || value.is_string();
}

// What JSON can say: numbers, text, short sequences of them, and classes by name.
bool is_plain(const Value& value) {
  if (is_scalar(value)) return true;
  if (value.is_object()) return value.as_object().form() == Object::Form::global;
  if (!value.is_tuple() && !value.is_list()) return false;
  if (value.size() > kMostItems) return false;
  for (const Value& item : value.items()) {
    if (!is_scalar(item)) return false;
  }
  return true;
}

Json json_of_plain(const Value& value) {
  if (!value.is_tuple() && !value.is_list()) return json_of_leaf(value);
  Json items = Json::array();
  for (const Value& item : value.items()) items.push_back(json_of_leaf(item));
  return items;
}

Json json_of_attributes(const Dict& attributes) {
  Json json = Json::object();
  for (const auto& [key, value] : attributes) {
    if (is_plain(value)) json[key.as_string()] = json_of_plain(value);
  }
  return json;
}

Json json_of_tensor(const Value& value) {
  if (value.is_object()) return {{"class", value.as_object().class_path()}};
  if (!value.is_tensor()) return nullptr;
  const Tensor& tensor = value.as_tensor();
  Json json = {{"dtype", name(tensor.dtype())}, {"shape", tensor.shape()}};
  if (tensor.is_parameter()) json["trainable"] = tensor.requires_grad();
  return json;
}

Json json_of_tensors(const ModuleNode::NamedValues& tensors) {
  Json json = Json::object();
  for (const auto& [name, value] : tensors) json[name] = json_of_tensor(value);
  return json;
}

}  // namespace

Json json_of(const ModuleTree& tree) {
  Json modules = Json::array();
  std::unordered_map<const ModuleNode*, std::string> first_paths;
  for_each_module(tree, [&](const std::string& path, const ModuleNode& node) {
    const auto [first, is_new] = first_paths.try_emplace(&node, path);
    if (!is_new) {
      modules.push_back({{"name", path}, {"same_as", first->second}});
      return;
    }
    modules.push_back({{"name", path},
                       {"class", node.class_path},
                       {"training", node.training},
                       {"attributes", json_of_attributes(node.attributes)},
                       {"parameters", json_of_tensors(node.parameters)},
                       {"buffers", json_of_tensors(node.buffers)}});
  });
  return modules;
}

}  // namespace torchkeep::inspection
