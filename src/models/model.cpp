#include <utility>

#include <torchkeep/freeze.h>
#include <torchkeep/model.h>

#include <torch/nn/module.h>

#include "base/fail.h"
#include "models/python_model.h"
#include "models/registry.h"

namespace torchkeep {

Model::Model(std::string architecture,
             Value configuration,
             std::shared_ptr<torch::nn::Module> module,
             Forward forward)
    : architecture_(std::move(architecture)),
      configuration_(std::move(configuration)),
      module_(std::move(module)),
      forward_(std::move(forward)) {
  if (!module_) fail(ErrorCode::invalid_argument, "a Model needs a module (got null)");
  if (!configuration_.is_dict()) {
    fail(ErrorCode::invalid_argument, "the configuration of a Model is a dict (got {})",
         name(configuration_.kind()));
  }
}

Value Model::configuration() const {
  Dict all = configuration_.as_dict();
  const auto add = [&](const Value& entries) {
    for (const auto& [key, value] : entries.as_dict()) all.set(key, value);
  };
  if (const auto model_class = find_model_class(architecture_))
    add(model_class->describe(*module_));
  if (architecture_.find('.') != std::string::npos) add(python_configuration(*module_));
  return Value(std::move(all));
}

const Value& Model::added_configuration() const { return configuration_; }

void Model::set_configuration(const std::string& key, Value value) {
  Dict changed = configuration_.as_dict();
  changed.set(Value(key), std::move(value));
  configuration_ = Value(std::move(changed));
}

void Model::to(const at::Device& device) const { module_->to(device); }

void Model::train() const { torchkeep::train(*module_); }

void Model::eval() const { module_->eval(); }

}  // namespace torchkeep
