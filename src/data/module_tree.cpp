#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <torchkeep/module_tree.h>

#include <fmt/ranges.h>

#include "base/fail.h"
#include "base/printable.h"
#include "base/utf8.h"
#include "data/module_attributes.h"

namespace torchkeep {
namespace {

constexpr std::size_t kMostLevels = 256;
constexpr std::size_t kMostNameBytes = 256;

const Dict* dict_attribute(const Object& object, std::string_view name) {
  const Value* value = object.attribute(name);
  if (!value || value->is_none()) return nullptr;
  if (!value->is_dict()) {
    fail(ErrorCode::corrupt, "{} of a module is a {} (expected a dict)", name,
         torchkeep::name(value->kind()));
  }
  return &value->as_dict();
}

const std::string& name_in(const Value& key, std::string_view attribute) {
  if (!key.is_string()) {
    fail(ErrorCode::corrupt, "a name in {} is a {} (expected a string)", attribute,
         name(key.kind()));
  }
  return key.as_string();
}

// As torch.nn.Module.add_module() demands, and of a length that makes paths no burden.
const std::string& checked_child_name(const std::string& name) {
  if (name.empty() || name.size() > kMostNameBytes || name.find('.') != std::string::npos) {
    fail(ErrorCode::corrupt, "'{}' is no name of a module (expected 1 to {} bytes without a dot)",
         printable(utf8_start(name, 80)), kMostNameBytes);
  }
  return name;
}

std::vector<std::string> names_in(const Object& object, std::string_view attribute) {
  std::vector<std::string> names;
  const Value* value = object.attribute(attribute);
  if (!value || !(value->is_set() || value->is_list() || value->is_tuple())) return names;
  for (const Value& item : value->items()) names.push_back(name_in(item, attribute));
  return names;
}

bool is_plain_module(const Value& value) {
  if (!value.is_object() || value.as_object().form() != Object::Form::instance) return false;
  const Value* children = value.as_object().attribute("_modules");
  return children != nullptr && children->is_dict();
}

// Gives the tensors of one file back; those that are one object in Python stay one.
class TensorReader {
 public:
  ModuleNode::NamedValues read(const Object& object, std::string_view attribute) {
    ModuleNode::NamedValues named;
    const Dict* dict = dict_attribute(object, attribute);
    if (!dict) return named;
    for (const auto& [key, value] : *dict) {
      named.emplace_back(name_in(key, attribute), tensor_of(value));
    }
    return named;
  }

 private:
  // Before PyTorch 1.0 a parameter was written as Parameter(tensor, requires_grad).
  Value tensor_of(const Value& value) {
    if (!value.is_object() || !value.as_object().is_call_of("torch.nn.parameter", "Parameter")) {
      return value;
    }
    const List& arguments = value.as_object().arguments().as_tuple();
    if (arguments.empty() || !arguments[0].is_tensor()) return value;
    const auto [known, is_new] = parameters_.try_emplace(value.identity());
    if (!is_new) return known->second;
    Tensor tensor = arguments[0].as_tensor();
    tensor.set_is_parameter(true);
    tensor.set_requires_grad(arguments.size() < 2 || !arguments[1].is_bool() ||
                             arguments[1].as_bool());
    return known->second = Value(std::move(tensor));
  }

  std::unordered_map<const void*, Value> parameters_;
};

class TreeReader {
 public:
  explicit TreeReader(const Limits& limits) : limits_(limits) {}

  ModuleTree run(const Value& root) {
    enter(root);
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      if (frame.next == frame.children.size()) {
        leave();
        continue;
      }
      const auto& [name, child] = frame.children[frame.next++];
      if (child.is_none()) continue;
      path_.push_back(name);
      if (const auto known = places_.find(child.identity()); known != places_.end()) {
        check_is_no_cycle(known->second);
        count(frame, known->second);
        path_.pop_back();
      } else {
        enter(child);
      }
    }
    return std::move(*this).in_order();
  }

 private:
  static constexpr std::size_t kOpen = static_cast<std::size_t>(-1);

  // A module whose children are being read.
  struct Frame {
    const void* identity = nullptr;
    ModuleNode node;
    ModuleNode::NamedValues children;
    std::size_t next = 0;
    std::uint64_t modules = 1;  // in and below it
    std::size_t levels = 1;
  };
  struct Size {
    std::uint64_t modules;
    std::size_t levels;
  };

  void enter(const Value& value) {
    check_limits(frames_.size() + 1, places_.size() + 1);
    Frame frame;
    frame.identity = value.identity();
    if (!value.is_object()) fail_here("a child is a {} (expected a module)", name(value.kind()));
    if (value.as_object().form() == Object::Form::ancestor) fail_here("the module is below itself");
    try {
      frame.node = read(value.as_object());
      if (is_plain_module(value)) frame.children = children_of(value.as_object());
    } catch (Error& error) {
      error.add_place({.tensor = path()});
      throw;
    }
    check_limits(frames_.size() + 1, frame.children.size());
    places_.emplace(frame.identity, kOpen);
    frames_.push_back(std::move(frame));
  }

  void leave() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    for (const auto& [name, child] : frame.children) {
      frame.node.children.push_back(
          {name, child.is_none() ? std::nullopt : std::optional(places_.at(child.identity()))});
    }
    const std::size_t place = modules_.size();
    modules_.push_back(std::move(frame.node));
    sizes_.push_back({frame.modules, frame.levels});
    places_[frame.identity] = place;
    if (frames_.empty()) return;
    count(frames_.back(), place);
    path_.pop_back();
  }

  void count(Frame& parent, std::size_t child) {
    parent.modules += sizes_[child].modules;
    parent.levels = std::max(parent.levels, sizes_[child].levels + 1);
    check_limits(frames_.size() + sizes_[child].levels, parent.modules);
  }

  void check_limits(std::size_t levels, std::uint64_t modules) const {
    if (modules > limits_.max_modules) {
      fail(ErrorCode::unsafe, "a model of too many modules (expected at most {}: max_modules)",
           limits_.max_modules);
    }
    if (levels > kMostLevels) {
      fail(ErrorCode::unsafe, "modules inside each other on more than {} levels", kMostLevels);
    }
  }

  void check_is_no_cycle(std::size_t place) const {
    if (place == kOpen) fail_here("the module is below itself");
  }

  template <class... Args>
  [[noreturn]] void fail_here(fmt::format_string<Args...> format, Args&&... args) const {
    fail_at(ErrorCode::corrupt, {.tensor = path()}, "", format, std::forward<Args>(args)...);
  }

  std::string path() const { return fmt::format("{}", fmt::join(path_, ".")); }

  ModuleNode read(const Object& object) {
    ModuleNode node;
    node.class_path = object.class_path();
    if (!object.state.is_dict()) return node;
    if (const Value* training = object.attribute("training")) {
      node.training = training->is_bool() && training->as_bool();
    }
    node.parameters = tensors_.read(object, "_parameters");
    node.buffers = tensors_.read(object, "_buffers");
    node.non_persistent_buffers = names_in(object, "_non_persistent_buffers_set");
    for (const auto& [key, value] : object.state.as_dict()) {
      const ModuleAttribute kind = module_attribute(name_in(key, "its attributes"));
      if (kind == ModuleAttribute::of_the_class) node.attributes.set(key, value);
      if (kind == ModuleAttribute::hooks && value.is_dict() && value.size() > 0) {
        node.hooks.set(key, value);
      }
    }
    return node;
  }

  static ModuleNode::NamedValues children_of(const Object& object) {
    ModuleNode::NamedValues children;
    for (const auto& [key, value] : *dict_attribute(object, "_modules")) {
      children.emplace_back(checked_child_name(name_in(key, "_modules")), value);
    }
    return children;
  }

  // A module is left after all that is below it: backwards, parents come first.
  ModuleTree in_order() && {
    const std::size_t last = modules_.size() - 1;
    for (ModuleNode& node : modules_) {
      for (ModuleNode::Child& child : node.children) {
        if (child.module) child.module = last - *child.module;
      }
    }
    std::ranges::reverse(modules_);
    return {std::move(modules_)};
  }

  const Limits& limits_;
  TensorReader tensors_;
  std::vector<Frame> frames_;
  std::vector<std::string> path_;
  std::unordered_map<const void*, std::size_t> places_;  // in modules_, or kOpen
  std::vector<ModuleNode> modules_;                      // in the order in which they are left
  std::vector<Size> sizes_;
};

template <class Named>
const Value* find(const Named& named, std::string_view name) {
  const auto found = std::ranges::find(named, name, &std::pair<std::string, Value>::first);
  return found == named.end() ? nullptr : &found->second;
}

}  // namespace

const Value* ModuleNode::parameter(std::string_view name) const { return find(parameters, name); }

const Value* ModuleNode::buffer(std::string_view name) const { return find(buffers, name); }

const ModuleNode::Child* ModuleNode::child(std::string_view name) const {
  const auto found = std::ranges::find(children, name, &Child::name);
  return found == children.end() ? nullptr : &*found;
}

bool is_module(const Value& value) { return is_plain_module(value); }

std::optional<FoundModule> find_module(const Value& value) {
  if (is_module(value)) return FoundModule{"", &value};
  if (!value.is_dict()) return std::nullopt;
  const Value* model = value.find("model");
  if (model && is_module(*model)) return FoundModule{"model", model};
  for (const auto& [key, entry] : value.as_dict()) {
    if (key.is_string() && is_module(entry)) return FoundModule{key.as_string(), &entry};
  }
  return std::nullopt;
}

ModuleTree module_tree(const Value& module, const Limits& limits) {
  if (!is_module(module)) {
    fail(ErrorCode::mismatch, "a {} is no pickled torch.nn.Module", name(module.kind()));
  }
  return TreeReader(limits).run(module);
}

void for_each_module(const ModuleTree& tree,
                     const std::function<void(const std::string&, const ModuleNode&)>& visit) {
  struct Frame {
    const ModuleNode* node;
    std::size_t next;
    std::size_t path_bytes;
  };
  std::string path;
  std::vector<Frame> frames = {{&tree.root(), 0, 0}};
  visit(path, tree.root());
  while (!frames.empty()) {
    Frame& frame = frames.back();
    path.resize(frame.path_bytes);
    if (frame.next == frame.node->children.size()) {
      frames.pop_back();
      continue;
    }
    const ModuleNode::Child& child = frame.node->children[frame.next++];
    if (!child.module) continue;
    if (!path.empty()) path += '.';
    path += child.name;
    visit(path, tree.modules[*child.module]);
    frames.push_back({&tree.modules[*child.module], 0, path.size()});
  }
}

ParameterCount count_parameters(const ModuleTree& tree) {
  ParameterCount count;
  std::unordered_set<const void*> counted;
  for (const ModuleNode& node : tree.modules) {
    for (const auto& [name, value] : node.parameters) {
      if (!value.is_tensor() || !counted.insert(value.identity()).second) continue;
      const Tensor& tensor = value.as_tensor();
      count.all += tensor.numel();
      if (tensor.requires_grad()) count.trainable += tensor.numel();
    }
  }
  return count;
}

}  // namespace torchkeep
