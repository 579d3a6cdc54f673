// Whole models: the form and the parameters in one file.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

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

  // The result of the module's forward(x); of one that gives a tuple, such as an LSTM, its first
  // part. Throws unsupported for a module that takes no single tensor.
  at::Tensor forward(const at::Tensor& x) const { return forward_(x); }

  torch::nn::Module& operator*() const { return *module_; }
  torch::nn::Module* operator->() const { return module_.get(); }
  torch::nn::Module& module() const { return *module_; }
  const std::shared_ptr<torch::nn::Module>& ptr() const { return module_; }  // for register_module

  // "vgg16"; of a whole model of Python that is none of these the path of its class,
  // "torch.nn.modules.container.Sequential".
  const std::string& architecture() const { return architecture_; }
  // What the factory needs to build it again, as the module is now (a replaced head included), and
  // what set_configuration() added: a new dict.
  Value configuration() const;
  // Only what it was built with and what was added.
  const Value& added_configuration() const;
  // Keeps something more under a key, such as the names of the classes. Other copies of this Model
  // do not see it.
  void set_configuration(const std::string& key, Value value);

  // Moves parameters and buffers to a device, such as at::Device("cuda:0").
  void to(const at::Device& device) const;
  // module.train(), except that modules that are frozen as a whole stay in evaluation mode.
  void train() const;
  void eval() const;

 private:
  std::string architecture_;
  Value configuration_;
  std::shared_ptr<torch::nn::Module> module_;
  Forward forward_;
};

// Writes the form and the parameters in one file.
//
// A model of classes that Python has (those of torch.nn, torchvision's, and classes registered
// under the path of a Python class) becomes the pickle of a torch.nn.Module, which Python opens
// with torch.load(path, weights_only=False), runs and trains on. With Layout::torch_1_13 it is the
// one that PyTorch 1.13 writes.
//
// Any other registered class becomes a dict that Python opens with weights_only=True:
// `architecture`, `configuration`, `state_dict`, `frozen` (names), `training` (names of the modules
// in training mode), `format`, `version`. `save(to_value(model), path)` writes it for any model.
//
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

// The dict that any model can be written as, and the inverse. model_from_value() also takes what
// load() gives for a whole model of Python.
Value to_value(const Model& model);
Model model_from_value(const Value& value);

struct LoadModelOptions {
  // For a file that holds parameters only, in any dialect: what create_model() takes. The number of
  // classes of a model of the zoo is that of its head in the file, if the configuration has none.
  std::string architecture = "";
  Value configuration = dict({});
  // A TorchScript archive is a program: its operators may read and write files. Allow it for files
  // whose origin you trust.
  enum class TorchScript { refuse, allow };
  TorchScript torchscript = TorchScript::refuse;
  LoadOptions load = {};
};

// Rebuilds form, parameters, frozen and training flags from a file of save_model(), a checkpoint
// that names its architecture, or a whole model of Python, of whatever release. Nothing in it is
// executed: hooks and code of Python are left out. Throws not_found for a class that is not
// registered, with its form, the call that registers it and the way to its parameters;
// MismatchError; unsafe for a TorchScript archive that is not allowed; as load().
Model load_model(const std::filesystem::path& path, const LoadModelOptions& options = {});

}  // namespace torchkeep

#include <torchkeep/model_class.h>
