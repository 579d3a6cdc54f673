#include <string>
#include <utility>

#include <torchkeep/convert.h>
#include <torchkeep/optimizer.h>

#include <torch/nn/module.h>

#include "nn/libtorch_version.h"
#include "nn/optimizer_class.h"
#include "nn/optimizer_entries.h"
#include "nn/optimizer_parameters.h"

namespace torchkeep {
namespace optimizer_detail {

Value step_value(std::int64_t step, StepForm form) {
  return form == StepForm::integer ? Value(step) : Value(Tensor::scalar(static_cast<float>(step)));
}

Dict state_value(const OptimizerClass& description, const OptimizerClass::State& state) {
  Dict entry;
  if (description.step_form != StepForm::none) {
    entry.set("step", step_value(description.read_step(state), description.step_form));
  }
  for (const OptimizerStateTensor& field : description.tensors) {
    const at::Tensor tensor = field.read(state);
    if (tensor.defined()) entry.set(field.key, from_torch(tensor));
  }
  return entry;
}

}  // namespace optimizer_detail

Value state_dict(const torch::optim::Optimizer& optimizer, const torch::nn::Module& module) {
  const OptimizerClass& description = class_of(optimizer);
  const ParameterNames parameter_names(module);
  Dict states;
  List groups;
  std::int64_t index = 0;
  for (const torch::optim::OptimizerParamGroup& group : optimizer.param_groups()) {
    List names;
    List indexes;
    for (const at::Tensor& parameter : group.params()) {
      names.push_back(parameter_names.name_of(parameter, index));
      indexes.push_back(index);
      const auto state = optimizer.state().find(optimizer_state_key(parameter));
      if (state != optimizer.state().end()) {
        Dict entry = optimizer_detail::state_value(description, *state->second);
        if (!entry.empty()) states.set(index, std::move(entry));
      }
      ++index;
    }
    Dict entries = group_entries(optimizer, group);
    entries.set("param_names", std::move(names));
    entries.set("params", std::move(indexes));
    groups.push_back(std::move(entries));
  }
  return dict({{"state", std::move(states)}, {"param_groups", std::move(groups)}});
}

}  // namespace torchkeep
