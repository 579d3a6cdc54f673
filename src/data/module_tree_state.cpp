// The state dict of a module tree.
#include <algorithm>

#include <torchkeep/module_tree.h>

#include "base/fail.h"

namespace torchkeep {
namespace {

// Since version 2 these have `num_batches_tracked`.
bool is_counting_norm(std::string_view class_path) {
  return class_path.starts_with("torch.nn.modules.batchnorm.") ||
         class_path.starts_with("torch.nn.modules.instancenorm.");
}

std::string joined(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

void add(StateDict& state_dict, std::string name, const Value& value) {
  if (value.is_none()) return;
  if (!value.is_tensor()) {
    fail_at(ErrorCode::unsupported, {.tensor = std::move(name)}, "",
            "a parameter of class {}, which torchkeep does not build",
            value.is_object() ? value.as_object().class_path()
                              : std::string(::torchkeep::name(value.kind())));
  }
  Tensor tensor = value.as_tensor();
  tensor.set_is_parameter(false);
  tensor.set_requires_grad(false);
  state_dict.set(std::move(name), std::move(tensor));
}

}  // namespace

StateDict state_dict(const ModuleTree& tree) {
  StateDict result;
  Dict metadata(Dict::Type::ordered);
  const Value version_key("version");
  for_each_module(tree, [&](const std::string& path, const ModuleNode& node) {
    Dict entry;
    entry.set(version_key, is_counting_norm(node.class_path) ? 2 : 1);
    metadata.set(path, std::move(entry));
    for (const auto& [name, value] : node.parameters) add(result, joined(path, name), value);
    for (const auto& [name, value] : node.buffers) {
      if (std::ranges::find(node.non_persistent_buffers, name) !=
          node.non_persistent_buffers.end()) {
        continue;
      }
      add(result, joined(path, name), value);
    }
  });
  result.set_metadata(std::move(metadata));
  return result;
}

}  // namespace torchkeep
