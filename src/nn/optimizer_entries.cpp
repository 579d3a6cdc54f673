#include "nn/optimizer_entries.h"

#include "data/number_kind.h"
#include "nn/optimizer_class.h"

namespace torchkeep {

Dict group_entries(const torch::optim::Optimizer& optimizer,
                   const torch::optim::OptimizerParamGroup& group) {
  const auto* kept = dynamic_cast<const PythonEntries*>(&group.options());
  Dict entries = kept ? kept->entries() : Dict();
  for (const OptimizerOption& option : class_of(optimizer).options) {
    const Value* before = entries.find(option.key);
    if (kept && !option.write) continue;  // what was loaded says it all
    entries.set(option.key, keep_kind(option.read(group.options()), before));
  }
  return entries;
}

void set_group_entries(const torch::optim::Optimizer& optimizer,
                       torch::optim::OptimizerParamGroup& group,
                       const Dict& entries) {
  const OptimizerClass& description = class_of(optimizer);
  auto options = description.with_entries(group.options(), entries);
  for (const OptimizerOption& option : description.options) {
    const Value* value = entries.find(option.key);
    if (value && option.write) option.write(*options, *value);
  }
  group.set_options(std::move(options));
}

}  // namespace torchkeep
