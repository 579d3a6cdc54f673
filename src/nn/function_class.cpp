#include "nn/function_class.h"

#include <memory>
#include <utility>

namespace torchkeep {

Layer function_layer(LayerBuilder& builder, std::size_t index, FunctionModule::Function function) {
  const ModuleNode& node = builder.node(index);
  const bool can_be_called = static_cast<bool>(function);
  const auto module =
      std::make_shared<FunctionModule>(node.class_path, node.attributes, std::move(function));
  builder.set_tensors(*module, node, {});
  for (const auto& [name, layer] : builder.children(node)) {
    module->register_module(name, layer.module);
  }
  std::vector<std::string> names;
  for (const ModuleNode::Child& child : node.children) names.push_back(child.name);
  module->set_child_names(std::move(names));
  std::vector<std::string> buffers;
  for (const auto& [name, value] : node.buffers) buffers.push_back(name);
  module->set_buffer_names(std::move(buffers));
  if (!can_be_called) return {module};
  return {module, [module](const at::Tensor& x) { return module->forward(x); }};
}

LayerClass function_class(const std::string& path, MakeFunction make) {
  return {.path = "torch.nn.modules." + path,
          .build = [make = std::move(make)](LayerBuilder& builder, std::size_t index) {
            return function_layer(builder, index, make(builder.node(index)));
          }};
}

}  // namespace torchkeep
