#include <torchkeep/model.h>

#include "base/fail.h"
#include "models/python_model.h"
#include "nn/layer_builder.h"

namespace torchkeep {

ModuleParts::ModuleParts(Value configuration) : attributes_(std::move(configuration)) {}

ModuleParts::ModuleParts(LayerBuilder& builder, std::size_t index)
    : attributes_(builder.node(index).attributes),
      builder_(&builder),
      node_(&builder.node(index)) {}

Model ModuleParts::child(std::string_view name) const {
  if (!builder_) fail(ErrorCode::mismatch, "the file holds no child '{}'", name);
  const Layer layer = builder_->child(*node_, name);
  const std::size_t index = *node_->child(name)->module;
  return model_of(builder_->node(index).class_path, layer);
}

}  // namespace torchkeep
