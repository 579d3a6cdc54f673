#include "models/registry.h"

#include <map>
#include <mutex>
#include <unordered_map>

#include <c10/util/Type.h>
#include <fmt/ranges.h>
#include <torch/nn/module.h>

#include "base/fail.h"
#include "base/similar.h"
#include "models/classifier.h"
#include "models/configuration.h"

namespace torchkeep {

namespace registry_detail {

using ClassPtr = std::shared_ptr<const ModelClass>;

// All architectures of the zoo are classes derived from Classifier, and one class serves several
// architectures: its modules know their architecture's name.
ModelClass class_of_the_zoo(const Architecture& architecture) {
  return {
      .architecture = std::string(architecture.name),
      .build =
          [&architecture](const Value& configuration) {
            return build_classifier(architecture, options_of(architecture, configuration));
          },
      .describe = describe_classifier,
      .forward = [](torch::nn::Module& module,
                    const at::Tensor& x) { return dynamic_cast<Classifier&>(module).forward(x); }};
}

class Registry {
 public:
  static Registry& instance() {
    static Registry registry;
    return registry;
  }

  void add(ModelClass model_class) {
    const std::lock_guard lock(mutex_);
    const auto same_type = by_type_.find(model_class.type);
    if (by_name_.contains(model_class.architecture)) {
      fail(ErrorCode::invalid_argument, "an architecture '{}' is registered already",
           model_class.architecture);
    }
    if (same_type != by_type_.end()) {
      fail(ErrorCode::invalid_argument, "{} is registered already, as '{}'",
           c10::demangle(model_class.type.name()), same_type->second->architecture);
    }
    const auto added = std::make_shared<const ModelClass>(std::move(model_class));
    by_name_.emplace(added->architecture, added);
    by_type_.emplace(added->type, added);
  }

  ClassPtr find(std::string_view architecture) const {
    const std::lock_guard lock(mutex_);
    const auto found = by_name_.find(architecture);
    return found == by_name_.end() ? nullptr : found->second;
  }

  ClassPtr find(std::type_index type) const {
    const std::lock_guard lock(mutex_);
    const auto found = by_type_.find(type);
    return found == by_type_.end() ? nullptr : found->second;
  }

  std::vector<std::string> names() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, model_class] : by_name_) names.push_back(name);
    return names;
  }

 private:
  Registry() {
    for (const Architecture& architecture : zoo()) {
      by_name_.emplace(architecture.name,
                       std::make_shared<const ModelClass>(class_of_the_zoo(architecture)));
    }
  }

  mutable std::mutex mutex_;
  std::map<std::string, ClassPtr, std::less<>> by_name_;
  std::unordered_map<std::type_index, ClassPtr> by_type_;
};

// The line that a user has to add.
std::string registration(std::string_view type, std::string_view architecture) {
  return fmt::format("register_model<{}>(\"{}\", factory, describe)", type, architecture);
}

}  // namespace registry_detail

std::shared_ptr<const ModelClass> find_model_class(std::string_view architecture) {
  return registry_detail::Registry::instance().find(architecture);
}

std::shared_ptr<const ModelClass> find_model_class_of(const torch::nn::Module& module) {
  return registry_detail::Registry::instance().find(std::type_index(typeid(module)));
}

std::shared_ptr<const ModelClass> model_class(std::string_view architecture) {
  auto found = find_model_class(architecture);
  if (found) return found;
  const std::vector<std::string> names = model_names();
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const auto meant = most_similar(architecture, candidates);
  fail_at(ErrorCode::not_found, {},
          fmt::format("{}call torchkeep::{} before",
                      meant ? fmt::format("did you mean '{}'? Else ", *meant) : "",
                      registry_detail::registration("YourNetImpl", architecture)),
          "no architecture '{}' is registered (known are {})", architecture,
          fmt::join(names, ", "));
}

std::shared_ptr<const ModelClass> model_class_of(const torch::nn::Module& module) {
  if (dynamic_cast<const Classifier*>(&module)) return model_class(module.name());
  auto found = find_model_class_of(module);
  if (found) return found;
  const std::string type = c10::demangle(typeid(module).name());
  fail_at(ErrorCode::invalid_argument, {},
          fmt::format("add torchkeep::{} at the start of the program",
                      registry_detail::registration(type, "my_net")),
          "the class {} is not registered, so that nobody could build it again", type);
}

void register_model_class(ModelClass model_class) {
  if (model_class.architecture.empty()) {
    fail(ErrorCode::invalid_argument, "a model class needs the name of its architecture");
  }
  if (!model_class.build || !model_class.describe || !model_class.forward ||
      model_class.type == std::type_index(typeid(void))) {
    fail(ErrorCode::invalid_argument,
         "the model class '{}' needs type, build, describe and forward", model_class.architecture);
  }
  registry_detail::Registry::instance().add(std::move(model_class));
}

Model create_model(const std::string& architecture, const Value& configuration) {
  const auto found = model_class(architecture);
  const bool ours = found->type == std::type_index(typeid(void));
  if (ours) check_configuration_keys(configuration);
  return found->build(configuration);
}

std::vector<std::string> model_names() { return registry_detail::Registry::instance().names(); }

}  // namespace torchkeep
