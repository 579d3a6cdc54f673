#include "models/python_model.h"

#include <algorithm>
#include <unordered_map>

#include <torchkeep/freeze.h>
#include <torchkeep/models.h>
#include <torchkeep/module.h>

#include <c10/util/Type.h>
#include <torch/nn/module.h>

#include "base/fail.h"
#include "models/classifier.h"
#include "models/configuration.h"
#include "models/feature_classifier.h"
#include "models/layers.h"
#include "models/module_form.h"
#include "models/python_names.h"
#include "models/registry.h"
#include "models/resnet.h"
#include "models/zoo_form.h"
#include "nn/layer_builder.h"
#include "nn/layer_class.h"
#include "nn/layer_tree.h"
#include "nn/module_walk.h"
#include "nn/python_module.h"

namespace torchkeep {

namespace python_model_detail {

// Under which save_model() keeps what no attribute of Python's class can hold. In files.
constexpr std::string_view kExtras = "torchkeep";
constexpr std::size_t kMostLinesInMessage = 60;

std::string first_lines(const std::string& text) {
  std::size_t end = 0;
  for (std::size_t line = 0; line < kMostLinesInMessage; ++line) {
    end = text.find('\n', end);
    if (end == std::string::npos || ++end == text.size()) return text.substr(0, text.size() - 1);
  }
  return text.substr(0, end) + "...";
}

// The modules in and below one, as a tree of their own.
ModuleTree subtree(const ModuleTree& tree, std::size_t root) {
  std::vector<bool> is_below(tree.modules.size(), false);
  is_below[root] = true;
  std::unordered_map<std::size_t, std::size_t> places;
  ModuleTree result;
  for (std::size_t i = root; i < tree.modules.size(); ++i) {
    if (!is_below[i]) continue;
    places.emplace(i, result.modules.size());
    result.modules.push_back(tree.modules[i]);
    for (const ModuleNode::Child& child : tree.modules[i].children) {
      if (child.module) is_below[*child.module] = true;
    }
  }
  for (ModuleNode& node : result.modules) {
    for (ModuleNode::Child& child : node.children) {
      if (child.module) child.module = places.at(*child.module);
    }
  }
  return result;
}

// Parameters and frozen set of a module that a user's factory built.
void restore_parameters(torch::nn::Module& module, const ModuleTree& tree) {
  load_state_dict(module, state_dict(tree));
  std::vector<std::string> frozen;
  const auto parameters = module.named_parameters();
  for_each_module(tree, [&](const std::string& path, const ModuleNode& node) {
    for (const auto& [name, value] : node.parameters) {
      const std::string full = join_path(path, name);
      if (!value.is_tensor() || value.as_tensor().requires_grad()) continue;
      if (parameters.contains(full)) frozen.push_back(full);
    }
  });
  set_frozen_parameters(module, frozen);
}

void restore_flags(torch::nn::Module& module, const ModuleTree& tree) {
  const auto below = module.named_modules("", /*include_self=*/false);
  for_each_module(tree, [&](const std::string& path, const ModuleNode& node) {
    if (path.empty()) {
      module.train(node.training);
    } else if (const auto* found = below.find(path)) {
      (*found)->train(node.training);
    }
  });
}

Layer read_registered(LayerBuilder& builder, std::size_t index, const ModelClass& model_class) {
  const ModuleParts parts(builder, index);
  const Model model = model_class.build_from_parts ? model_class.build_from_parts(parts)
                                                   : model_class.build(parts.attributes());
  const ModuleTree tree = subtree(builder.tree(), index);
  restore_parameters(*model, tree);
  builder.set_flags_by(index, [model, tree] { restore_flags(*model, tree); });
  return {model.ptr(), [model](const at::Tensor& x) { return model.forward(x); }};
}

// A model of the zoo whose class has its forward in C++ only for the form that torchvision gives
// it.
Layer read_zoo_model(LayerBuilder& builder, std::size_t index) {
  const ModuleTree tree = subtree(builder.tree(), index);
  const auto form = find_zoo_form(tree);
  if (!form) {
    fail_at(ErrorCode::unsupported, {},
            "take the parameters: state_dict(module_tree(load(path))), or register a class for it",
            "the {} has another form than torchvision's models of that class",
            tree.root().class_path);
  }
  restore_parameters(*form->module, tree);
  builder.set_flags_by(index, [module = form->module, tree] { restore_flags(*module, tree); });
  return callable(form->module);
}

bool is_of_zoo(std::string_view class_path) {
  return std::ranges::any_of(zoo(), [&](const Architecture& architecture) {
    return architecture.python_class == class_path;
  });
}

[[noreturn]] void fail_unknown(const LayerBuilder& builder, const ModuleNode& node) {
  fail_at(ErrorCode::not_found, {},
          fmt::format(
              "call torchkeep::register_model<YourNetImpl>(\"{}\", factory, describe) before, or "
              "take the parameters: state_dict(module_tree(load(path))). Its form is:\n{}",
              node.class_path, first_lines(to_string(builder.tree()))),
          "the class {} is not registered, and the file holds no code for it", node.class_path);
}

using ReadClassifier = std::shared_ptr<Classifier> (*)(LayerBuilder&, const ModuleNode&);

Layer read_classifier(LayerBuilder& builder, const ModuleNode& node, ReadClassifier read) {
  const std::shared_ptr<Classifier> classifier = read(builder, node);
  builder.set_tensors(*classifier, node, {});
  // What a user added beside the children that the forward knows.
  for (const auto& [name, layer] : builder.children(node)) {
    if (classifier->named_children().contains(name)) continue;
    classifier->register_module(name, layer.module);
  }
  return callable(classifier);
}

Layer read_other(LayerBuilder& builder, std::size_t index) {
  const ModuleNode& node = builder.node(index);
  const std::string& path = node.class_path;
  if (path == kPythonVgg || path == kPythonAlexNet) {
    return read_classifier(builder, node, read_feature_classifier);
  }
  if (path == kPythonResNet) return read_classifier(builder, node, read_resnet);
  if (path == kPythonBasicBlock) return read_basic_block(builder, index);
  if (path == kPythonBottleneck) return read_bottleneck(builder, index);
  if (const auto known = find_model_class(path)) return read_registered(builder, index, *known);
  if (is_of_zoo(path)) return read_zoo_model(builder, index);
  fail_unknown(builder, node);
}

ClassDescription describe_other(const torch::nn::Module& module) {
  if (const auto* classifier = dynamic_cast<const Classifier*>(&module)) {
    if (auto description = classifier->python_class()) return *description;
  } else if (const auto known = find_model_class_of(module)) {
    if (known->architecture.find('.') != std::string::npos) {
      return {known->architecture, known->describe(module).as_dict()};
    }
  }
  const std::string type = c10::demangle(typeid(module).name());
  fail_at(ErrorCode::invalid_argument, {},
          fmt::format("add torchkeep::register_model<{}>(\"your_module.YourClass\", factory, "
                      "describe), with the path of its Python class, at the start of the program",
                      type),
          "Python has no class for {}", type);
}

// The tree as Python's own class would have written it.
ModuleTree without_extras(ModuleTree tree) {
  tree.modules.front().attributes.erase(kExtras);
  return tree;
}

}  // namespace python_model_detail

Model model_of(std::string architecture, const Layer& layer) {
  return Model(std::move(architecture), dict({}), layer.module, layer);
}

Model model_from_tree(const ModuleTree& tree) {
  namespace detail = python_model_detail;
  const SkipInitialisation skip;
  const ModuleTree own = detail::without_extras(tree);
  const Layer layer = LayerBuilder(own, detail::read_other).run();
  std::string architecture = tree.root().class_path;
  if (dynamic_cast<const Classifier*>(layer.module.get())) {
    if (const auto form = find_zoo_form(own)) architecture = form->architecture->name;
  }
  Model model = model_of(std::move(architecture), layer);
  // What the C++ class does not describe of the instance is written back as it was.
  if (find_model_class(tree.root().class_path)) {
    for (const auto& [key, value] : tree.root().attributes) {
      if (!value.is_object() && !value.is_tensor()) {
        model.set_configuration(key.as_string(), value);
      }
    }
  }
  const Value* extras = tree.root().attributes.find(detail::kExtras);
  if (extras && extras->is_dict()) {
    for (const auto& [key, value] : extras->as_dict()) {
      model.set_configuration(key.as_string(), value);
    }
  }
  return model;
}

bool has_python_class(const torch::nn::Module& module) {
  if (dynamic_cast<const PythonModule*>(&module) || find_layer_class(module)) return true;
  if (const auto* classifier = dynamic_cast<const Classifier*>(&module)) {
    return classifier->python_class().has_value();
  }
  const auto known = find_model_class_of(module);
  return known && known->architecture.find('.') != std::string::npos;
}

std::string python_class_path(const torch::nn::Module& module) {
  if (const auto* python = dynamic_cast<const PythonModule*>(&module)) {
    return python->class_path();
  }
  if (const LayerClass* known = find_layer_class(module)) return known->path;
  return python_model_detail::describe_other(module).class_path;
}

ModuleTree python_tree(const torch::nn::Module& module) {
  return tree_of(module, python_model_detail::describe_other);
}

void keep_extras(const Model& model, ModuleTree& tree) {
  Dict extras;
  ModuleNode& root = tree.modules.front();
  const bool is_a_users = find_model_class_of(model.module()) != nullptr;
  const Value described = dynamic_cast<const Classifier*>(&model.module())
                              ? describe_classifier(model.module())
                              : dict({});
  for (const auto& [key, value] : model.added_configuration().as_dict()) {
    const std::string& name = key.as_string();
    if (root.attributes.contains(name) || described.contains(name)) continue;
    (is_a_users ? root.attributes : extras).set(key, value);
  }
  if (!extras.empty()) root.attributes.set(python_model_detail::kExtras, std::move(extras));
}

Value python_configuration(const torch::nn::Module& module) {
  try {
    return dict({{"modules", form_of(python_tree(module))}});
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument) throw;
    return dict({});
  }
}

}  // namespace torchkeep
