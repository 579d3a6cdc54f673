#include "models/zoo_form.h"

#include <algorithm>
#include <array>
#include <exception>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "models/layers.h"
#include "models/python_model.h"
#include "models/weights.h"

namespace torchkeep {

namespace zoo_form_detail {

constexpr std::string_view kDropout = "torch.nn.modules.dropout.Dropout";

// Which width a model has is in no attribute: those that are usual.
constexpr std::array kWidths = {1.0, 0.75, 0.5, 0.35, 0.25, 1.3, 1.4};

void read_attributes(const ModuleTree& tree, ClassifierOptions& options) {
  bool is_first_convolution = true;
  for_each_module(tree, [&](const std::string&, const ModuleNode& node) {
    const Value* channels = node.attributes.find("in_channels");
    if (channels && is_first_convolution) {
      options.in_channels = channels->as_int();
      is_first_convolution = false;
    }
    // The last one is that of the main classifier.
    const Value* dropout = node.attributes.find(node.class_path == kDropout ? "p" : "drop_rate");
    if (dropout && options.dropout) options.dropout = dropout->as_double();
  });
  const Dict& root = tree.root().attributes;
  const auto read_flag = [&](const char* name, std::optional<bool>& option) {
    const Value* flag = root.find(name);
    if (flag && option) option = flag->as_bool();
  };
  read_flag("aux_logits", options.aux_logits);
  read_flag("transform_input", options.transform_input);
}

bool same_tensors(const ModuleNode::NamedValues& a, const ModuleNode::NamedValues& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
    const auto& [name, value] = x;
    const auto& [other_name, other] = y;
    if (name != other_name || value.kind() != other.kind()) return false;
    return !value.is_tensor() || value.as_tensor().shape() == other.as_tensor().shape();
  });
}

// A size for both dimensions is one number or two.
bool same_attribute(const Value& a, const Value& b) {
  if (a.is_tuple() && b.is_int()) {
    return std::ranges::all_of(a.items(), [&](const Value& item) { return equal(item, b); });
  }
  return b.is_tuple() && a.is_int() ? same_attribute(b, a) : equal(a, b);
}

// Also where a class of another release of Python has further attributes.
bool has_attributes(const Dict& attributes, const Dict& expected) {
  return std::ranges::all_of(expected, [&](const Dict::Entry& entry) {
    const Value* value = attributes.find(entry.first);
    return value && same_attribute(*value, entry.second);
  });
}

// Without those that are None.
std::vector<ModuleNode::Child> children_of(const ModuleNode& node) {
  std::vector<ModuleNode::Child> children;
  std::ranges::copy_if(node.children, std::back_inserter(children),
                       [](const auto& child) { return child.module.has_value(); });
  return children;
}

bool same_modules(const ModuleNode& node, const ModuleNode& expected) {
  const auto same_name = [](const auto& a, const auto& b) { return a.name == b.name; };
  return node.class_path == expected.class_path &&
         std::ranges::equal(children_of(node), children_of(expected), same_name) &&
         same_tensors(node.parameters, expected.parameters) &&
         same_tensors(node.buffers, expected.buffers);
}

// The attributes of the root decide nothing: options were read from them. The modules of two trees
// may lie in different orders.
bool is_of_form(const ModuleTree& tree, const ModuleTree& expected) {
  std::vector<std::optional<std::size_t>> twins(tree.modules.size());
  std::vector<std::pair<std::size_t, std::size_t>> pairs = {{0, 0}};
  while (!pairs.empty()) {
    const auto [place, twin] = pairs.back();
    pairs.pop_back();
    if (twins[place]) {
      if (*twins[place] != twin) return false;
      continue;
    }
    twins[place] = twin;
    const ModuleNode& node = tree.modules[place];
    const ModuleNode& other = expected.modules[twin];
    if (!same_modules(node, other)) return false;
    if (place > 0 && !has_attributes(node.attributes, other.attributes)) return false;
    const auto children = children_of(node);
    const auto twin_children = children_of(other);
    for (std::size_t i = 0; i < children.size(); ++i) {
      pairs.emplace_back(*children[i].module, *twin_children[i].module);
    }
  }
  return true;
}

std::shared_ptr<Classifier> build_as(const Architecture& architecture,
                                     const ClassifierOptions& options,
                                     const ModuleTree& tree) {
  try {
    auto module = architecture.build(std::string(architecture.name), options);
    module->set_options(options);
    return is_of_form(tree, python_tree(*module)) ? module : nullptr;
  } catch (const std::exception&) {
    return nullptr;  // no options make it, such as an absurd size
  }
}

}  // namespace zoo_form_detail

std::optional<ZooForm> find_zoo_form(const ModuleTree& tree) {
  namespace detail = zoo_form_detail;
  const SkipInitialisation skip;
  const StateDict parameters = state_dict(tree);
  for (const Architecture& architecture : zoo()) {
    if (architecture.python_class != tree.root().class_path) continue;
    ClassifierOptions options = architecture.defaults;
    options.num_classes = classes_in(parameters, architecture, options);
    detail::read_attributes(tree, options);
    for (const double width : detail::kWidths) {
      if (options.width_mult) options.width_mult = width;
      if (auto module = detail::build_as(architecture, options, tree)) {
        return ZooForm{&architecture, std::move(module)};
      }
      if (!options.width_mult) break;
    }
  }
  return std::nullopt;
}

}  // namespace torchkeep
