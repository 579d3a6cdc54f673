#include "models/module_form.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/fail.h"

namespace torchkeep {

namespace module_form_detail {

// In files: do not change.
constexpr std::string_view kClass = "class";
constexpr std::string_view kAttributes = "attributes";
constexpr std::string_view kParameters = "parameters";
constexpr std::string_view kBuffers = "buffers";
constexpr std::string_view kTemporary = "non_persistent_buffers";
constexpr std::string_view kChildren = "children";
constexpr std::string_view kHooks = "hooks";
constexpr std::string_view kGlobal = "python_global";
constexpr std::string_view kInstance = "python_instance";

constexpr int kMostLevels = 8;

// Nothing for what is not plain, such as a tensor. Attributes are shallow: it recurses.
std::optional<Value> plain(const Value& value, int levels);

std::optional<Value> plain_object(const Object& object, int levels) {
  if (object.form() == Object::Form::global) {
    return dict({{kGlobal, object.class_path()}});
  }
  if (object.form() != Object::Form::instance || !object.state.is_dict()) return std::nullopt;
  const auto state = plain(object.state, levels - 1);
  if (!state) return std::nullopt;
  return dict({{kInstance, object.class_path()}, {"state", *state}});
}

std::optional<Value> plain(const Value& value, int levels) {
  if (levels == 0 || value.is_tensor() || value.is_storage()) return std::nullopt;
  if (value.is_object()) return plain_object(value.as_object(), levels);
  if (value.is_dict()) {
    Dict result;
    for (const auto& [key, item] : value.as_dict()) {
      auto converted = plain(item, levels - 1);
      if (!converted) return std::nullopt;
      result.set(key, std::move(*converted));
    }
    return Value(std::move(result));
  }
  if (!value.is_list() && !value.is_tuple()) return value;
  List items;
  for (const Value& item : value.items()) {
    auto converted = plain(item, levels - 1);
    if (!converted) return std::nullopt;
    items.push_back(std::move(*converted));
  }
  return value.is_list() ? Value(std::move(items)) : Value(Tuple{std::move(items)});
}

Object global(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string::npos) fail(ErrorCode::mismatch, "'{}' is no path of a class", path);
  return Object::global(path.substr(0, dot), path.substr(dot + 1));
}

Value restored(const Value& value, int levels) {
  if (levels == 0) fail(ErrorCode::mismatch, "an attribute with too many levels");
  if (const Value* path = value.find(kGlobal)) return global(path->as_string());
  if (const Value* path = value.find(kInstance)) {
    Object object = Object::instance(global(path->as_string()), Tuple{});
    object.state = restored(value["state"], levels - 1);
    return object;
  }
  if (value.is_dict()) {
    Dict result;
    for (const auto& [key, item] : value.as_dict()) result.set(key, restored(item, levels - 1));
    return result;
  }
  if (!value.is_list() && !value.is_tuple()) return value;
  List items;
  for (const Value& item : value.items()) items.push_back(restored(item, levels - 1));
  return value.is_list() ? Value(std::move(items)) : Value(Tuple{std::move(items)});
}

Value plain_entries(const Dict& entries) {
  Dict result;
  for (const auto& [key, value] : entries) {
    if (auto converted = plain(value, kMostLevels)) result.set(key, std::move(*converted));
  }
  return result;
}

Dict restored_entries(const Value& entries) {
  Dict result;
  for (const auto& [key, value] : entries.as_dict()) result.set(key, restored(value, kMostLevels));
  return result;
}

// `tied` numbers the parameters, so that those which are one stay one.
Value form_of_tensors(const ModuleNode::NamedValues& tensors,
                      std::unordered_map<const void*, std::int64_t>& tied) {
  Dict result;
  for (const auto& [name, value] : tensors) {
    if (!value.is_tensor()) {
      result.set(name, Value());
      continue;
    }
    const Tensor& tensor = value.as_tensor();
    const auto number =
        tied.try_emplace(value.identity(), static_cast<std::int64_t>(tied.size())).first->second;
    result.set(name, dict({{"dtype", torchkeep::name(tensor.dtype())},
                           {"shape", Value(List(tensor.shape().begin(), tensor.shape().end()))},
                           {"number", number}}));
  }
  return result;
}

std::string joined(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

// Fills in the tensors of a tree whose parameters and buffers hold their forms.
class Filler {
 public:
  explicit Filler(const StateDict& state_dict) : state_dict_(state_dict) {}

  void fill(const std::string& path, ModuleNode& node) {
    for (auto& [name, value] : node.parameters) fill(joined(path, name), value, true);
    for (auto& [name, value] : node.buffers) {
      const bool is_temporary =
          std::ranges::find(node.non_persistent_buffers, name) != node.non_persistent_buffers.end();
      if (is_temporary) {
        fail_at(ErrorCode::unsupported, {.tensor = joined(path, name)}, "",
                "a buffer that no state dict holds");
      }
      fill(joined(path, name), value, false);
    }
  }

 private:
  void fill(const std::string& name, Value& value, bool is_parameter) {
    if (!value.is_dict()) return;
    const std::int64_t number = value["number"].as_int();
    if (is_parameter) {
      if (const auto known = known_.find(number); known != known_.end()) {
        value = known->second;
        return;
      }
    }
    Tensor tensor = state_dict_[name];
    if (!equal(Value(List(tensor.shape().begin(), tensor.shape().end())), value["shape"])) {
      fail_at(ErrorCode::mismatch, {.tensor = name}, "", "shape {} (expected {})",
              to_string(tensor.shape()), to_string(value["shape"]));
    }
    tensor.set_is_parameter(is_parameter);
    tensor.set_requires_grad(is_parameter &&
                             (is_floating_point(tensor.dtype()) || is_complex(tensor.dtype())));
    value = Value(std::move(tensor));
    if (is_parameter) known_.emplace(number, value);
  }

  const StateDict& state_dict_;
  std::unordered_map<std::int64_t, Value> known_;
};

ModuleNode node_of(const Value& form, std::size_t place, std::size_t modules) {
  ModuleNode node;
  node.class_path = form[kClass].as_string();
  node.attributes = restored_entries(form[kAttributes]);
  node.hooks = restored_entries(form[kHooks]);
  for (const auto& [name, value] : form[kParameters].as_dict()) {
    node.parameters.emplace_back(name.as_string(), value);
  }
  for (const auto& [name, value] : form[kBuffers].as_dict()) {
    node.buffers.emplace_back(name.as_string(), value);
  }
  for (const Value& name : form[kTemporary].items()) {
    node.non_persistent_buffers.push_back(name.as_string());
  }
  for (const auto& [name, value] : form[kChildren].as_dict()) {
    std::optional<std::size_t> child;
    if (!value.is_none()) {
      child = static_cast<std::size_t>(value.as_int());
      if (*child <= place || *child >= modules) {
        fail(ErrorCode::mismatch, "module {} has a child {} (expected {} to {})", place, *child,
             place + 1, modules - 1);
      }
    }
    node.children.push_back({name.as_string(), child});
  }
  return node;
}

}  // namespace module_form_detail

Value form_of(const ModuleTree& tree) {
  namespace detail = module_form_detail;
  List modules;
  std::unordered_map<const void*, std::int64_t> tied;
  for (const ModuleNode& node : tree.modules) {
    Dict children;
    for (const ModuleNode::Child& child : node.children) {
      children.set(child.name,
                   child.module ? Value(static_cast<std::int64_t>(*child.module)) : Value());
    }
    const List temporary(node.non_persistent_buffers.begin(), node.non_persistent_buffers.end());
    modules.push_back(dict({{detail::kClass, node.class_path},
                            {detail::kAttributes, detail::plain_entries(node.attributes)},
                            {detail::kParameters, detail::form_of_tensors(node.parameters, tied)},
                            {detail::kBuffers, detail::form_of_tensors(node.buffers, tied)},
                            {detail::kTemporary, Value(temporary)},
                            {detail::kHooks, detail::plain_entries(node.hooks)},
                            {detail::kChildren, Value(std::move(children))}}));
  }
  return modules;
}

ModuleTree tree_from_form(const Value& form, const StateDict& state_dict) {
  namespace detail = module_form_detail;
  ModuleTree forms;
  const List& modules = form.items();
  if (modules.empty()) fail(ErrorCode::mismatch, "a form without modules");
  for (std::size_t i = 0; i < modules.size(); ++i) {
    forms.modules.push_back(detail::node_of(modules[i], i, modules.size()));
  }
  // The same checks as for a pickle: neither too many modules nor too many levels.
  ModuleTree tree = module_tree(to_value(forms));
  detail::Filler filler(state_dict);
  std::unordered_map<const ModuleNode*, std::string> first_paths;
  for_each_module(tree, [&](const std::string& path, const ModuleNode& node) {
    first_paths.try_emplace(&node, path);
  });
  for (ModuleNode& node : tree.modules) filler.fill(first_paths.at(&node), node);
  return tree;
}

}  // namespace torchkeep
