// A module tree as the pickle that Python's torch.save(model) writes.
#include <algorithm>
#include <array>
#include <unordered_map>

#include <torchkeep/module_tree.h>

#include "base/fail.h"
#include "data/module_attributes.h"

namespace torchkeep {
namespace {

// These classes set one attribute before the constructor of torch.nn.Module sets those of all.
struct LeadingAttribute {
  std::string_view class_path;
  std::string_view name;
};
constexpr auto kLeadingAttributes = std::to_array<LeadingAttribute>({
    {"torch.nn.modules.activation.PReLU", "num_parameters"},
    {"torch.nn.modules.rnn.RNN", "nonlinearity"},
});

bool is_leading(std::string_view class_path, std::string_view name) {
  for (const LeadingAttribute& leading : kLeadingAttributes) {
    if (leading.class_path == class_path && leading.name == name) return true;
  }
  return false;
}

// Python keeps one object for each name of an attribute, but makes a new one for each number of a
// child of a container: pickles refer to objects.
class Names {
 public:
  Value attribute(std::string_view name) {
    return names_.try_emplace(std::string(name), Value(name)).first->second;
  }
  // The value with the strings in it: constants of Python's code, too, are one object each.
  Value in(const Value& value) {
    if (value.is_string()) return attribute(value.as_string());
    if (!value.is_list() || value.size() == 0) return value;
    const bool is_of_strings =
        std::ranges::all_of(value.items(), [](const Value& item) { return item.is_string(); });
    if (!is_of_strings) return value;
    List items;
    for (const Value& item : value.items()) items.push_back(attribute(item.as_string()));
    return items;
  }
  Value child(const std::string& name) {
    const bool is_made = name.find_first_not_of("0123456789") == name.npos;
    return is_made ? Value(name) : attribute(name);
  }

 private:
  std::unordered_map<std::string, Value> names_;
};

Value class_object(const std::string& class_path) {
  const std::size_t dot = class_path.rfind('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == class_path.size()) {
    fail(ErrorCode::invalid_argument, "'{}' is no path of a class (expected package.module.Class)",
         class_path);
  }
  return Object::global(class_path.substr(0, dot), class_path.substr(dot + 1));
}

class TreeWriter {
 public:
  TreeWriter(const ModuleTree& tree, Layout layout) : tree_(tree), layout_(layout) {}

  Value run() {
    written_.resize(tree_.modules.size());
    for (std::size_t i = tree_.modules.size(); i-- > 0;) written_[i] = write(tree_.modules[i]);
    return written_.front();
  }

 private:
  Value write(const ModuleNode& node) {
    Dict state;
    for (const auto& [key, value] : node.attributes) {
      if (is_leading(node.class_path, key.as_string())) {
        state.set(names_.attribute(key.as_string()), names_.in(value));
      }
    }
    for (const ModuleAttributeInfo& info : kModuleAttributes) {
      if (layout_ == Layout::torch_1_13 && !info.in_1_13) continue;
      state.set(names_.attribute(info.name), attribute(node, info));
    }
    for (const auto& [key, value] : node.attributes) {
      if (state.contains(key.as_string())) continue;
      state.set(names_.attribute(key.as_string()), names_.in(value));
    }
    Object object = Object::instance(class_object(node.class_path), Tuple{});
    object.state = Value(std::move(state));
    return object;
  }

  Value attribute(const ModuleNode& node, const ModuleAttributeInfo& info) {
    if (info.name == "training") return node.training;
    if (info.name == "_parameters") return tensors(node.parameters);
    if (info.name == "_buffers") return tensors(node.buffers);
    if (info.name == "_modules") return children(node);
    if (info.name == "_non_persistent_buffers_set") {
      Set names;
      for (const std::string& name : node.non_persistent_buffers) {
        names.items.push_back(names_.attribute(name));
      }
      return names;
    }
    if (info.kind == ModuleAttribute::flag) return {};
    const Value* hooks = node.hooks.find(info.name);
    return hooks ? *hooks : Value(Dict(Dict::Type::ordered));
  }

  Dict named() const {
    return Dict(layout_ == Layout::torch_1_13 ? Dict::Type::ordered : Dict::Type::plain);
  }

  Value tensors(const ModuleNode::NamedValues& values) {
    Dict dict = named();
    for (const auto& [name, value] : values) dict.set(names_.attribute(name), value);
    return dict;
  }

  Value children(const ModuleNode& node) {
    Dict dict = named();
    for (const ModuleNode::Child& child : node.children) {
      dict.set(names_.child(child.name), child.module ? written_.at(*child.module) : Value());
    }
    return dict;
  }

  const ModuleTree& tree_;
  Layout layout_;
  Names names_;
  std::vector<Value> written_;
};

}  // namespace

Value to_value(const ModuleTree& tree, Layout layout) { return TreeWriter(tree, layout).run(); }

}  // namespace torchkeep
