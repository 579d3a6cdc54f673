#include "nn/layer_tree.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <torchkeep/convert.h>

#include <torch/nn/module.h>

#include "base/fail.h"
#include "nn/layer_class.h"
#include "nn/module_parameters.h"
#include "nn/python_module.h"
#include "nn/reparametrisation.h"

namespace torchkeep {

namespace layer_tree_detail {

class TreeOfModules {
 public:
  explicit TreeOfModules(const DescribeOther& describe_other) : describe_other_(describe_other) {}

  ModuleTree run(const torch::nn::Module& root) {
    add(root, "");
    const std::size_t last = nodes_.size() - 1;
    for (ModuleNode& node : nodes_) {
      for (ModuleNode::Child& child : node.children) {
        if (child.module) child.module = last - *child.module;
      }
    }
    std::ranges::reverse(nodes_);
    return {std::move(nodes_)};
  }

 private:
  // A module is added after its children. LibTorch itself recurses on modules, too.
  std::size_t add(const torch::nn::Module& module, const std::string& path) {
    if (const auto known = places_.find(&module); known != places_.end()) return known->second;
    ClassDescription description;
    ModuleNode node = describe(module, path, description);
    const auto children = module.named_children();
    for (const std::string& name : child_names(module)) {
      const auto* child = children.find(name);
      if (!child || !*child) {
        node.children.push_back({name, std::nullopt});
        continue;
      }
      const std::string below = path.empty() ? name : path + "." + name;
      node.children.push_back({name, add(**child, below)});
    }
    for (const auto& [name, class_path] : description.child_paths) {
      if (const auto* child = node.child(name)) nodes_[*child->module].class_path = class_path;
    }
    const std::size_t place = nodes_.size();
    nodes_.push_back(std::move(node));
    places_.emplace(&module, place);
    return place;
  }

  static std::vector<std::string> child_names(const torch::nn::Module& module) {
    const auto* python = dynamic_cast<const PythonModule*>(&module);
    return python ? python->child_names() : module.named_children().keys();
  }

  ModuleNode describe(const torch::nn::Module& module,
                      const std::string& path,
                      ClassDescription& description) {
    try {
      description = description_of(module);
      ModuleNode node;
      node.class_path = description.class_path;
      node.attributes = description.attributes;
      node.training = module.is_training();
      Dict hooks = reparametrisation_hooks(module);
      add_parameters(module, description.parameters, hooks.empty(), node);
      add_buffers(module, description.buffers, node);
      if (!hooks.empty()) node.hooks.set("_forward_pre_hooks", std::move(hooks));
      add_flat_weights(node);
      return node;
    } catch (Error& error) {
      error.add_place({.tensor = path});
      throw;
    }
  }

  ClassDescription description_of(const torch::nn::Module& module) const {
    if (const auto* python = dynamic_cast<const PythonModule*>(&module)) {
      return {python->class_path(), python->attributes(), {}, python->buffer_names()};
    }
    if (const LayerClass* known = find_layer_class(module)) {
      return {known->path, known->attributes(module), known->parameters, known->buffers,
              known->child_paths};
    }
    return describe_other_(module);
  }

  void add_parameters(const torch::nn::Module& module,
                      const std::vector<std::string>& declared,
                      bool is_complete,
                      ModuleNode& node) {
    const auto& parameters = parameters_of(module);
    for (const auto& item : parameters) {
      node.parameters.emplace_back(item.key(), parameter(item.value()));
    }
    for (const std::string& name : declared) {
      if (is_complete && !parameters.contains(name)) node.parameters.emplace_back(name, Value());
    }
  }

  static void add_buffers(const torch::nn::Module& module,
                          const std::vector<std::string>& declared,
                          ModuleNode& node) {
    const auto buffers = module.named_buffers(/*recurse=*/false);
    for (const std::string& name : declared) {
      const at::Tensor* tensor = buffers.find(name);
      node.buffers.emplace_back(name, tensor ? Value(from_torch(*tensor)) : Value());
    }
    for (const auto& item : buffers) {
      if (node.buffer(item.key())) continue;
      node.buffers.emplace_back(item.key(), Value(from_torch(item.value())));
    }
  }

  // Python's recurrent classes keep their parameters a second time, in a list.
  static void add_flat_weights(ModuleNode& node) {
    const Value* names = node.attributes.find("_flat_weights_names");
    if (!names) return;
    List weights;
    for (const Value& name : names->items()) {
      const Value* weight = node.parameter(name.as_string());
      weights.push_back(weight ? *weight : Value());
    }
    node.attributes.set("_flat_weights", std::move(weights));
  }

  Value parameter(const at::Tensor& tensor) {
    if (!tensor.defined()) return {};
    const auto [known, is_new] = parameters_.try_emplace(tensor.unsafeGetTensorImpl());
    if (is_new) {
      Tensor view = from_torch(tensor);
      view.set_is_parameter(true);
      view.set_requires_grad(tensor.requires_grad());
      known->second = Value(std::move(view));
    }
    return known->second;
  }

  const DescribeOther& describe_other_;
  std::vector<ModuleNode> nodes_;
  std::unordered_map<const torch::nn::Module*, std::size_t> places_;
  std::unordered_map<const void*, Value> parameters_;  // by the tensor's implementation
};

}  // namespace layer_tree_detail

ModuleTree tree_of(const torch::nn::Module& root, const DescribeOther& describe_other) {
  return layer_tree_detail::TreeOfModules(describe_other).run(root);
}

}  // namespace torchkeep
