// torch.nn.modules.container, and wrappers that only pass on
#include <torch/nn/modules/container/moduledict.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/parameterdict.h>
#include <torch/nn/modules/container/parameterlist.h>
#include <torch/nn/modules/container/sequential.h>

#include "nn/function_class.h"
#include "nn/layer_field.h"
#include "nn/module_parameters.h"
#include "nn/sequence.h"

namespace torchkeep {

namespace classes_container_detail {

namespace nn = torch::nn;

Dict no_attributes(const nn::Module&) { return Dict(); }

bool has_absent_children(const ModuleNode& node) {
  return std::ranges::any_of(node.children, [](const auto& child) { return !child.module; });
}

Layer build_sequence(LayerBuilder& builder, std::size_t index) {
  const ModuleNode& node = builder.node(index);
  if (has_absent_children(node)) return function_layer(builder, index, {});
  const auto sequence = std::make_shared<Sequence>();
  builder.set_tensors(*sequence, node, {});
  for (auto& [name, layer] : builder.children(node)) sequence->append(name, std::move(layer));
  return as_layer(sequence);
}

// The names of the children are those that the container would give them.
bool is_numbered(const ModuleNode& node) {
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    if (!node.children[i].module || node.children[i].name != std::to_string(i)) return false;
  }
  return true;
}

Layer build_list(LayerBuilder& builder, std::size_t index) {
  const ModuleNode& node = builder.node(index);
  if (!is_numbered(node)) return function_layer(builder, index, {});
  const auto list = std::make_shared<nn::ModuleListImpl>();
  builder.set_tensors(*list, node, {});
  for (const auto& [name, layer] : builder.children(node)) list->push_back(layer.module);
  return {list};
}

Layer build_dict(LayerBuilder& builder, std::size_t index) {
  const ModuleNode& node = builder.node(index);
  if (has_absent_children(node)) return function_layer(builder, index, {});
  const auto dict = std::make_shared<nn::ModuleDictImpl>();
  builder.set_tensors(*dict, node, {});
  torch::OrderedDict<std::string, std::shared_ptr<nn::Module>> modules;
  for (const auto& [name, layer] : builder.children(node)) modules.insert(name, layer.module);
  dict->update(modules);
  return {dict};
}

Layer build_nothing(LayerBuilder& builder, std::size_t index) {
  return function_layer(builder, index, {});
}

template <class Impl>
Layer build_parameters(LayerBuilder& builder, std::size_t index) {
  const auto container = std::make_shared<Impl>();
  builder.set_tensors(*container, builder.node(index), {});
  return {container};
}

Dict list_attributes(const nn::Module& module) {
  Dict attributes;
  attributes.set("_size", static_cast<std::int64_t>(parameters_of(module).size()));
  return attributes;
}

Dict dict_attributes(const nn::Module& module) {
  Dict keys;
  for (const auto& item : parameters_of(module)) keys.set(item.key(), Value());
  Dict attributes;
  attributes.set("_keys", std::move(keys));
  return attributes;
}

LayerClass wrapper(std::string path, std::string child) {
  return {.path = std::move(path), .build = [child](LayerBuilder& builder, std::size_t index) {
            return builder.child(builder.node(index), child);
          }};
}

}  // namespace classes_container_detail

std::vector<LayerClass> container_classes() {
  namespace detail = classes_container_detail;
  namespace nn = torch::nn;
  const auto container = [](const std::string& name, std::type_index type, auto build,
                            auto attributes) {
    return LayerClass{
        .path = "torch.nn.modules." + name, .type = type, .build = build, .attributes = attributes};
  };
  return {
      container("container.Sequential", typeid(nn::SequentialImpl), detail::build_sequence,
                detail::no_attributes),
      container("container.ModuleList", typeid(nn::ModuleListImpl), detail::build_list,
                detail::no_attributes),
      container("container.ModuleDict", typeid(nn::ModuleDictImpl), detail::build_dict,
                detail::no_attributes),
      container("container.ParameterList", typeid(nn::ParameterListImpl),
                detail::build_parameters<nn::ParameterListImpl>, detail::list_attributes),
      container("container.ParameterDict", typeid(nn::ParameterDictImpl),
                detail::build_parameters<nn::ParameterDictImpl>, detail::dict_attributes),
      container("container.Container", typeid(void), detail::build_nothing, detail::no_attributes),
      container("module.Module", typeid(nn::Module), detail::build_nothing, detail::no_attributes),
      detail::wrapper("torch.nn.parallel.data_parallel.DataParallel", "module"),
      detail::wrapper("torch.nn.parallel.distributed.DistributedDataParallel", "module"),
      detail::wrapper("torch._dynamo.eval_frame.OptimizedModule", "_orig_mod"),
  };
}

}  // namespace torchkeep
