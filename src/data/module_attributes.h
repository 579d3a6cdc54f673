// The attributes that every torch.nn.Module has, and how releases of PyTorch differ in them.
#pragma once

#include <array>
#include <string_view>

namespace torchkeep {

enum class ModuleAttribute {
  tensors_or_modules,  // `_parameters`, `_buffers`, `_modules` and which buffers are persistent
  flag,                // `training`, `_is_full_backward_hook`
  hooks,               // an ordered dict of functions; almost always empty
  of_the_class         // a hyper-parameter
};

struct ModuleAttributeInfo {
  std::string_view name;
  ModuleAttribute kind;
  bool in_1_13 = true;
};

// In the order in which the newest PyTorch writes them; 1.13 has the same order.
inline constexpr auto kModuleAttributes = std::to_array<ModuleAttributeInfo>({
    {"training", ModuleAttribute::flag},
    {"_parameters", ModuleAttribute::tensors_or_modules},
    {"_buffers", ModuleAttribute::tensors_or_modules},
    {"_non_persistent_buffers_set", ModuleAttribute::tensors_or_modules},
    {"_backward_pre_hooks", ModuleAttribute::hooks, false},
    {"_backward_hooks", ModuleAttribute::hooks},
    {"_is_full_backward_hook", ModuleAttribute::flag},
    {"_forward_hooks", ModuleAttribute::hooks},
    {"_forward_hooks_with_kwargs", ModuleAttribute::hooks, false},
    {"_forward_hooks_always_called", ModuleAttribute::hooks, false},
    {"_forward_pre_hooks", ModuleAttribute::hooks},
    {"_forward_pre_hooks_with_kwargs", ModuleAttribute::hooks, false},
    {"_state_dict_hooks", ModuleAttribute::hooks},
    {"_state_dict_pre_hooks", ModuleAttribute::hooks, false},
    {"_load_state_dict_pre_hooks", ModuleAttribute::hooks},
    {"_load_state_dict_post_hooks", ModuleAttribute::hooks},
    {"_modules", ModuleAttribute::tensors_or_modules},
});

constexpr ModuleAttribute module_attribute(std::string_view name) {
  for (const ModuleAttributeInfo& info : kModuleAttributes) {
    if (info.name == name) return info.kind;
  }
  return ModuleAttribute::of_the_class;
}

}  // namespace torchkeep
