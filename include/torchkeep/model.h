// Whole models: the form and the parameters in one file.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <typeindex>
#include <typeinfo>
#include <vector>

#include <torchkeep/load.h>
#include <torchkeep/save.h>
#include <torchkeep/value.h>

#include <ATen/core/ivalue.h>  // before Tensor.h: clang 14 needs it to compile LibTorch 1.13 in C++20
#include <ATen/core/Tensor.h>

namespace torch::nn {
class Module;
}

namespace torchkeep {

// A module with the name of its architecture and what was configured. Copies share the module.
class Model {
 public:
  using Forward = std::function<at::Tensor(const at::Tensor&)>;

  Model() = default;
  // Throws invalid_argument for a null module.
  Model(std::string architecture,
        Value configuration,
        std::shared_ptr<torch::nn::Module> module,
        Forward forward);

  // The result of the module's forward(x).
  at::Tensor forward(const at::Tensor& x) const { return forward_(x); }

  torch::nn::Module& operator*() const { return *module_; }
  torch::nn::Module* operator->() const { return module_.get(); }
  torch::nn::Module& module() const { return *module_; }
  const std::shared_ptr<torch::nn::Module>& ptr() const { return module_; }  // for register_module

  const std::string& architecture() const { return architecture_; }  // "vgg16"
  // What the factory needs to build it again, as the module is now (a replaced head included), and
  // what set_configuration() added: a new dict.
  Value configuration() const;
  // Keeps something more under a key, such as the names of the classes. Other copies of this Model
  // do not see it.
  void set_configuration(const std::string& key, Value value);

  // module.train(), except that frozen batch norms stay in evaluation mode.
  void train() const;
  void eval() const;

 private:
  std::string architecture_;
  Value configuration_;
  std::shared_ptr<torch::nn::Module> module_;
  Forward forward_;
};

// How to build a class again that torchkeep does not know.
struct ModelClass {
  std::string architecture = {};                                 // under which it is saved
  std::type_index type = typeid(void);                           // of the module
  std::function<Model(const Value& configuration)> build = {};   // freshly initialised
  std::function<Value(const torch::nn::Module&)> describe = {};  // the configuration of a module
  std::function<at::Tensor(torch::nn::Module&, const at::Tensor&)> forward = {};
};
// Throws invalid_argument if the name or the type is registered already. Thread-safe.
void register_model_class(ModelClass model_class);

// Registers a user's class, usually once at start:
//   register_model<MyNetImpl>("my_net",
//       [](const Value& c) { return std::make_shared<MyNetImpl>(c["hidden"].as_int()); },
//       [](const MyNetImpl& net) { return dict({{"hidden", net.hidden}}); });
// Impl derives from torch::nn::Module and has forward(at::Tensor).
template <class Impl, class Factory, class Describe>
void register_model(const std::string& architecture, Factory factory, Describe describe) {
  auto forward = [](torch::nn::Module& module, const at::Tensor& x) {
    return dynamic_cast<Impl&>(module).forward(x);
  };
  register_model_class(
      {.architecture = architecture,
       .type = typeid(Impl),
       .build =
           [architecture, factory, forward](const Value& configuration) {
             std::shared_ptr<Impl> impl = factory(configuration);
             return Model(architecture, configuration, impl,
                          [impl, forward](const at::Tensor& x) { return forward(*impl, x); });
           },
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

// Writes a dict that Python opens with weights_only=True: `architecture`, `configuration`,
// `state_dict`, `frozen` (names), `training` (names of the modules in training mode), `format`,
// `version`.
// Throws invalid_argument for a class that is not registered, with the line to add; as save().
void save_model(const Model& model, const std::filesystem::path& path, const SaveOptions& = {});
void save_model(const torch::nn::Module& module,
                const std::filesystem::path& path,
                const SaveOptions& = {});
// Of a module holder, such as one made by TORCH_MODULE.
template <class Holder>
requires requires(const Holder& holder) {
  holder.ptr();
  *holder;
}
void save_model(const Holder& holder,
                const std::filesystem::path& path,
                const SaveOptions& options = {}) {
  save_model(*holder, path, options);
}

// The dict that save_model writes, and its inverse.
Value to_value(const Model& model);
Model model_from_value(const Value& value);

// Rebuilds form, parameters, frozen and training flags. Throws not_found for an architecture that
// is not registered, with the call that registers it; MismatchError; as load().
Model load_model(const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace torchkeep
