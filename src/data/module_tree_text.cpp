// Module trees for people.
#include <algorithm>

#include <torchkeep/module_tree.h>

#include <fmt/format.h>

#include "base/printable.h"
#include "base/table.h"
#include "base/utf8.h"

namespace torchkeep {
namespace {

constexpr std::size_t kMostItems = 16;
constexpr std::size_t kMostTextBytes = 60;
constexpr std::size_t kMostLines = 2000;

bool is_scalar(const Value& value) {
  return value.is_none() || value.is_bool() || value.is_number() || value.is_string();
}

// The value in Python's notation; empty for one that is not plain.
std::string plain_text(const Value& value) {
  if (value.is_string()) {
    const std::string_view text = value.as_string();
    return fmt::format("'{}'", printable(utf8_start(text, kMostTextBytes)));
  }
  if (is_scalar(value)) return to_string(value);
  if (value.is_object() && value.as_object().form() == Object::Form::global) {
    return printable(value.as_object().name());
  }
  const bool is_sequence = value.is_tuple() || value.is_list();
  if (!is_sequence || value.size() > kMostItems || !std::ranges::all_of(value.items(), is_scalar)) {
    return "";
  }
  return printable(to_string(value));
}

std::string tensor_text(const Value& value) {
  if (value.is_none()) return "None";
  if (!value.is_tensor()) return "?";
  const Tensor& tensor = value.as_tensor();
  const std::string_view frozen = tensor.is_parameter() && !tensor.requires_grad() ? " frozen" : "";
  return to_string(tensor.shape()) + std::string(frozen);
}

std::string tensors_text(const ModuleNode::NamedValues& tensors) {
  std::string text;
  for (const auto& [name, value] : tensors) {
    if (value.is_none()) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", printable(name), tensor_text(value));
  }
  return text.empty() ? text : "  " + text;
}

std::string class_name(const ModuleNode& node) {
  const std::size_t dot = node.class_path.rfind('.');
  return printable(dot == std::string::npos ? node.class_path : node.class_path.substr(dot + 1));
}

// A class of torch.nn is known by its name alone.
std::string module_line(const ModuleNode& node) {
  const std::string attributes = describe_attributes(node);
  const bool is_of_torch = node.class_path.starts_with("torch.nn.");
  return fmt::format("{}{}{}{}{}", is_of_torch ? class_name(node) : printable(node.class_path),
                     attributes.empty() ? "" : "(" + attributes + ")",
                     tensors_text(node.parameters), tensors_text(node.buffers),
                     node.hooks.empty() ? "" : "  [with hooks]");
}

}  // namespace

std::string describe_attributes(const ModuleNode& module) {
  std::string text;
  for (const auto& [key, value] : module.attributes) {
    const std::string& name = key.as_string();
    if (name.starts_with('_')) continue;
    const std::string shown = plain_text(value);
    if (shown.empty()) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", printable(name), shown);
  }
  return text;
}

std::string to_string(const ModuleTree& tree) {
  std::string text;
  std::size_t lines = 0;
  std::size_t left_out = 0;
  for_each_module(tree, [&](const std::string& path, const ModuleNode& node) {
    if (++lines > kMostLines) {
      ++left_out;
      return;
    }
    if (path.empty()) {
      text += module_line(node) + "\n";
      return;
    }
    const auto depth = static_cast<std::size_t>(std::ranges::count(path, '.')) + 1;
    const std::string name = path.substr(path.rfind('.') + 1);
    text += fmt::format("{:{}}{}: {}\n", "", 2 * depth, printable(name), module_line(node));
  });
  if (left_out > 0) text += fmt::format("... and {}\n", counted(left_out, "more module"));
  const ParameterCount count = count_parameters(tree);
  return text + fmt::format("{} parameters, {} trainable\n",
                            grouped(static_cast<std::uint64_t>(count.all)),
                            grouped(static_cast<std::uint64_t>(count.trainable)));
}

}  // namespace torchkeep
