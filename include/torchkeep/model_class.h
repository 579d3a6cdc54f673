// Classes of modules that can be built by name: registering one's own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <vector>

#include <torchkeep/model.h>
#include <torchkeep/module_parts.h>
#include <torchkeep/value.h>

namespace torchkeep {

// How to build a class again that torchkeep does not know.
struct ModelClass {
  std::string architecture = {};                                   // under which it is saved
  std::type_index type = typeid(void);                             // of the module
  std::function<Model(const Value& configuration)> build = {};     // freshly initialised
  std::function<Model(const ModuleParts&)> build_from_parts = {};  // in its place, if there is one
  std::function<Value(const torch::nn::Module&)> describe = {};    // the configuration of a module
  std::function<at::Tensor(torch::nn::Module&, const at::Tensor&)> forward = {};
};
// Throws invalid_argument if the name or the type is registered already. Thread-safe.
void register_model_class(ModelClass model_class);

// Registers a user's class, usually once at start:
//   register_model<MyNetImpl>("my_net",
//       [](const Value& c) { return std::make_shared<MyNetImpl>(c["hidden"].as_int()); },
//       [](const MyNetImpl& net) { return dict({{"hidden", net.hidden}}); });
// Impl derives from torch::nn::Module and has forward(at::Tensor).
//
// A name with dots is the path of a Python class: "my_project.net.Net". Then whole models that
// Python wrote with that class are read, and save_model() writes such files. The configuration is
// the instance's attributes, and what `describe` gives becomes its attributes. The parameters are
// loaded afterwards, by name. A factory that takes `const ModuleParts&` gets the children, too.
template <class Impl, class Factory, class Describe>
void register_model(const std::string& architecture, Factory factory, Describe describe) {
  auto forward = [](torch::nn::Module& module, const at::Tensor& x) {
    return dynamic_cast<Impl&>(module).forward(x);
  };
  auto build = [architecture, factory, forward](const ModuleParts& parts) {
    std::shared_ptr<Impl> impl;
    if constexpr (std::is_invocable_v<Factory&, const Value&>) {
      impl = factory(parts.attributes());
    } else {
      impl = factory(parts);
    }
    return Model(architecture, parts.attributes(), impl,
                 [impl, forward](const at::Tensor& x) { return forward(*impl, x); });
  };
  register_model_class(
      {.architecture = architecture,
       .type = typeid(Impl),
       .build = [build](const Value& configuration) { return build(ModuleParts(configuration)); },
       .build_from_parts = build,
       .describe = [describe](const torch::nn::Module& module) -> Value {
         return describe(dynamic_cast<const Impl&>(module));
       },
       .forward = forward});
}

// Builds a registered architecture, or one of torchkeep's own, with fresh parameters.
// Throws not_found, listing the known names.
Model create_model(const std::string& architecture, const Value& configuration = dict({}));

// The names that create_model knows, sorted.
std::vector<std::string> model_names();

}  // namespace torchkeep
