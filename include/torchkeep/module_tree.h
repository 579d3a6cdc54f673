// The form of a whole model as data: what Python's torch.save(model) keeps, without its code.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <torchkeep/dict.h>
#include <torchkeep/limits.h>
#include <torchkeep/save.h>
#include <torchkeep/state_dict.h>
#include <torchkeep/value.h>

namespace torchkeep {

// One torch.nn.Module. Copies share the tensors.
struct ModuleNode {
  struct Child {
    std::string name;
    std::optional<std::size_t> module;  // its place in ModuleTree::modules; nothing for None
  };
  // A tensor, none (registered but absent, such as `bias=False`), or an object for a tensor that
  // torchkeep does not build. Tied parameters have the same Value::identity().
  using NamedValues = std::vector<std::pair<std::string, Value>>;

  std::string class_path;  // "torch.nn.modules.conv.Conv2d"
  bool training = true;
  Dict attributes;  // the hyper-parameters, and whatever else the class keeps, in Python's order
  NamedValues parameters;
  NamedValues buffers;
  std::vector<std::string> non_persistent_buffers;  // those that no state dict holds
  Dict hooks;  // by attribute, such as "_forward_pre_hooks"; those without hooks are left out
  std::vector<Child> children;

  // Null if there is no such name.
  const Value* parameter(std::string_view name) const;
  const Value* buffer(std::string_view name) const;
  const Child* child(std::string_view name) const;
};

// All modules of a model, each once, however many parents it has. The root is the first, and each
// module stands after all its parents. No module is below itself.
struct ModuleTree {
  std::vector<ModuleNode> modules;
  const ModuleNode& root() const { return modules.front(); }
};

// True for an instance of a class derived from torch.nn.Module, as a pickle holds it.
bool is_module(const Value& value);

// The whole model that a file holds: the value itself, or an entry of a dict, as in
// `torch.save({"epoch": 3, "model": model})`: `model`, or else the first that is one. Nothing if
// there is none. It refers to the value.
struct FoundModule {
  std::string key;  // empty for the value itself
  const Value* module;
};
std::optional<FoundModule> find_module(const Value& value);

// The tree of a pickled module, read as data. Does not recurse. Hooks and wrappers such as
// DataParallel stay what they are.
// Throws mismatch for a value that is no module; corrupt for one that is below itself or whose
// parts are no dicts; unsafe for more than Limits::max_modules modules (one below several parents
// counts for each) and for more than 256 levels.
ModuleTree module_tree(const Value& module, const Limits& limits = {});

// The module as a pickle that Python's torch.load opens: the inverse of module_tree(). With
// Layout::latest an instance has the attributes of the newest PyTorch, which 1.13 reads, too; with
// Layout::torch_1_13 exactly those of 1.13.
Value to_value(const ModuleTree& tree, Layout layout = Layout::latest);

// What Python's model.state_dict() holds, with `_metadata`: parameters and persistent buffers.
// Throws unsupported for a parameter that torchkeep does not build.
StateDict state_dict(const ModuleTree& tree);

// Calls `visit` for each module with the dotted path to it ("" for the root), parents first; a
// module below several parents once for each. Does not recurse.
void for_each_module(
    const ModuleTree& tree,
    const std::function<void(const std::string& path, const ModuleNode& module)>& visit);

// Elements of the parameters below and in the root; those of tied parameters count once.
struct ParameterCount {
  std::int64_t all = 0;
  std::int64_t trainable = 0;  // requires_grad
};
ParameterCount count_parameters(const ModuleTree& tree);

// The hyper-parameters as Python's repr shows them: "in_channels=3, out_channels=64, ...". Leaves
// out what is private to the class and what is not plain.
std::string describe_attributes(const ModuleNode& module);

// For people: a line for each module with its class, hyper-parameters and shapes.
std::string to_string(const ModuleTree& tree);

}  // namespace torchkeep
