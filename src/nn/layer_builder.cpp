#include "nn/layer_builder.h"

#include <algorithm>
#include <exception>

#include <torchkeep/convert.h>

#include <ATen/core/Formatting.h>
#include <c10/util/Exception.h>
#include <torch/nn/module.h>

#include "base/fail.h"
#include "nn/layer_class.h"
#include "nn/module_parameters.h"
#include "nn/reparametrisation.h"

namespace torchkeep {

namespace layer_builder_detail {

at::Tensor tensor_of(const Value& value, std::string_view name) {
  if (value.is_none()) return {};
  if (!value.is_tensor()) {
    fail_at(ErrorCode::unsupported, {.tensor = std::string(name)}, "",
            "{}, which torchkeep does not build as a tensor",
            value.is_object() ? "an object of class " + value.as_object().class_path()
                              : std::string(torchkeep::name(value.kind())));
  }
  return to_torch(value.as_tensor());
}

void set_buffers(torch::nn::Module& module, const ModuleNode& node) {
  const auto existing = module.named_buffers(/*recurse=*/false);
  for (const auto& [name, value] : node.buffers) {
    at::Tensor buffer = tensor_of(value, name);
    if (const at::Tensor* there = existing.find(name)) {
      if (!buffer.defined()) {
        fail_at(ErrorCode::unsupported, {.tensor = name}, "", "the buffer is None");
      }
      there->set_data(buffer);
    } else if (buffer.defined()) {
      module.register_buffer(name, std::move(buffer));
    }
  }
}

}  // namespace layer_builder_detail

LayerBuilder::LayerBuilder(const ModuleTree& tree, BuildOther build_other)
    : tree_(tree),
      build_other_(std::move(build_other)),
      built_(tree.modules.size()),
      flag_setters_(tree.modules.size()) {}

Layer LayerBuilder::run() {
  Layer root = build(0);
  set_flags();
  return root;
}

Layer LayerBuilder::build(std::size_t index) {
  if (!built_[index]) built_[index] = build_uncached(index);
  return *built_[index];
}

Layer LayerBuilder::build_uncached(std::size_t index) {
  const ModuleNode& module = node(index);
  const LayerClass* layer_class = find_layer_class(module.class_path);
  if (!layer_class) return build_other_(*this, index);
  try {
    Layer layer = layer_class->build(*this, index);
    add_reparametrisations(module, layer);
    return layer;
  } catch (const c10::Error& error) {
    fail(ErrorCode::mismatch, "{}({}) cannot be built: {}", module.class_path,
         describe_attributes(module), error.what_without_backtrace());
  }
}

Layer LayerBuilder::child(const ModuleNode& node, std::string_view name) {
  const ModuleNode::Child* child = node.child(name);
  if (!child || !child->module) {
    fail(ErrorCode::mismatch, "a {} without its child '{}'", node.class_path, name);
  }
  try {
    return build(*child->module);
  } catch (Error& error) {
    error.add_place({.tensor = std::string(name)});
    throw;
  }
}

std::vector<std::pair<std::string, Layer>> LayerBuilder::children(const ModuleNode& node) {
  std::vector<std::pair<std::string, Layer>> layers;
  for (const ModuleNode::Child& each : node.children) {
    if (each.module) layers.emplace_back(each.name, child(node, each.name));
  }
  return layers;
}

at::Tensor LayerBuilder::parameter(const Value& value) {
  if (value.is_none()) return {};
  const auto [known, is_new] = parameters_.try_emplace(value.identity());
  if (is_new) {
    at::Tensor tensor = layer_builder_detail::tensor_of(value, "");
    if (value.as_tensor().requires_grad()) tensor.set_requires_grad(true);
    known->second = std::move(tensor);
  }
  return known->second;
}

void LayerBuilder::set_tensors(torch::nn::Module& module,
                               const ModuleNode& node,
                               std::span<const Layer::Member> members) {
  auto& parameters = parameters_of(module);
  parameters.clear();
  for (const Layer::Member& member : members) *member.tensor = at::Tensor();
  for (const auto& [name, value] : node.parameters) {
    at::Tensor tensor = parameter(value);
    const auto member = std::ranges::find(members, std::string_view(name), &Layer::Member::name);
    if (member != members.end()) *member->tensor = tensor;
    parameters.insert(name, std::move(tensor));
  }
  layer_builder_detail::set_buffers(module, node);
}

// Setting a module's flag sets those below it; they follow later.
void LayerBuilder::set_flags() {
  for (std::size_t i = 0; i < built_.size(); ++i) {
    if (!built_[i]) continue;
    if (flag_setters_[i]) {
      flag_setters_[i]();
    } else {
      built_[i]->module->train(node(i).training);
    }
  }
}

}  // namespace torchkeep
