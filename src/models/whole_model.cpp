// The file of a whole model: a dict of what is needed to build the module again, and its state.
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <torchkeep/freeze.h>
#include <torchkeep/model.h>
#include <torchkeep/module.h>

#include <c10/util/Exception.h>
#include <torch/nn/module.h>

#include "base/fail.h"
#include "format/load_file.h"
#include "models/classifier.h"
#include "models/layers.h"
#include "models/module_form.h"
#include "models/python_model.h"
#include "models/registry.h"
#include "models/script_model.h"
#include "models/weights.h"
#include "nn/module_walk.h"

namespace torchkeep {

namespace whole_model_detail {

// In files: do not change.
constexpr std::string_view kFormat = "torchkeep model";
constexpr std::int64_t kVersion = 1;
constexpr std::string_view kForm = "modules";  // in the configuration

Value training_modules(const torch::nn::Module& root) {
  List names;
  for_each_module(root, [&](const std::string& path, const torch::nn::Module& module) {
    if (module.is_training()) names.emplace_back(path);
  });
  return Value(std::move(names));
}

void set_training_modules(torch::nn::Module& root, const std::vector<std::string>& names) {
  const auto modules = root.named_modules("", /*include_self=*/false);
  for (const std::string& name : names) {
    if (name.empty() || modules.contains(name)) continue;
    fail_at(ErrorCode::mismatch, {.tensor = "training"}, "", "the model has no module '{}'", name);
  }
  const std::set<std::string_view> training(names.begin(), names.end());
  root.train(training.contains(""));
  // A parent sets what is below it, too; that follows with what is right for it.
  for (const auto& item : modules) item.value()->train(training.contains(item.key()));
}

std::vector<std::string> strings_of(const Value& value) {
  std::vector<std::string> strings;
  for (const Value& item : value.items()) strings.push_back(item.as_string());
  return strings;
}

Value describe(const std::string& architecture,
               Value configuration,
               const torch::nn::Module& module) {
  List frozen;
  for (const std::string& name : frozen_parameters(module)) frozen.emplace_back(name);
  return dict({{"format", kFormat},
               {"version", kVersion},
               {"architecture", architecture},
               {"configuration", std::move(configuration)},
               {"state_dict", torchkeep::state_dict(module)},
               {"frozen", Value(std::move(frozen))},
               {"training", training_modules(module)}});
}

// Throws if the value is no model, saying what it is and what can be done with it.
void check_is_model(const Value& value) {
  if (value.is_object()) {
    fail_at(
        ErrorCode::unsupported, {},
        "save model.state_dict() in Python and load it into the model that create_model() builds",
        "a pickled object of class {}, not a torch.nn.Module", value.as_object().class_path());
  }
  if (value.contains("architecture")) return;
  const auto state_dict = find_state_dict(value);
  if (state_dict && value.size() == state_dict->size()) {
    fail_at(ErrorCode::invalid_argument, {},
            "name its architecture to load_model() (--arch), or build the model and call "
            "load_state_dict(module, load(path))",
            "a state dict of {} tensors without the form of the model", state_dict->size());
  }
  if (state_dict) {
    fail_at(
        ErrorCode::invalid_argument, {},
        "name it to load_model() (--arch), or build the model by hand and load the state dict in "
        "it",
        "a checkpoint that does not name the architecture of its model");
  }
  fail_at(ErrorCode::invalid_argument, {}, "save_model() writes the files that load_model() reads",
          "not a model of save_model(): {}",
          value.is_dict() ? "a dict without 'architecture'"
                          : fmt::format("a value of kind {}", name(value.kind())));
}

void check_version(const Value& value) {
  const Value* format = value.find("format");
  if (!format || !equal(*format, kFormat)) return;  // a checkpoint
  const std::int64_t version = value["version"].as_int();
  if (version == kVersion) return;
  fail_at(ErrorCode::unsupported, {.tensor = "version"}, "use a newer torchkeep",
          "unknown version of the format (expected {}, got {})", kVersion, version);
}

// The module of that class, with undefined parameters.
Model build(const std::string& architecture, const Value& configuration) {
  const auto found = model_class(architecture);
  const SkipInitialisation skip;
  try {
    Model model = found->build(configuration);
    for (const auto& [key, value] : configuration.as_dict()) {
      model.set_configuration(key.as_string(), value);
    }
    return model;
  } catch (const c10::Error& error) {
    fail_at(ErrorCode::mismatch, {.tensor = "configuration"}, "", "{} cannot be built with {}: {}",
            architecture, to_string(configuration), error.what_without_backtrace());
  }
}

const Value& state_dict_of(const Value& value) {
  const Value* state_dict = value.find("state_dict");
  return state_dict ? *state_dict : value["model_state_dict"];
}

// The frozen set under the key, if there is one; else what the state dict notes holds.
void restore_flags(const Model& model, const Value& value) {
  const Value* frozen = value.find("frozen");
  if (const Value* plan = value.find("freeze_plan")) frozen = plan->find("frozen");
  if (frozen) set_frozen_parameters(*model, strings_of(*frozen));
  if (const Value* training = value.find("training")) {
    set_training_modules(*model, strings_of(*training));
  } else {
    model.train();
  }
}

// The configuration of a whole model of Python is its form.
Model build_from_form(const Value& form, const Value& value) {
  const StateDict state_dict = state_dict_of(value).as_state_dict();
  Model model = model_from_tree(tree_from_form(form, state_dict));
  for (const auto& [key, entry] : value["configuration"].as_dict()) {
    if (key.as_string() != kForm) model.set_configuration(key.as_string(), entry);
  }
  return model;
}

// A file that holds parameters only, as the architecture that the caller names.
Model load_as(const Value& value, const LoadModelOptions& options) {
  const auto state_dict = find_state_dict(value);
  if (!state_dict) {
    fail_at(ErrorCode::mismatch, {}, "leave the architecture out if the file names it itself",
            "no state dict is in it");
  }
  const Architecture* architecture = find_architecture(options.architecture);
  if (!architecture) {
    Model model = build(options.architecture, options.configuration);
    load_state_dict(*model, *state_dict);
    return model;
  }
  Value configuration = Dict(options.configuration.as_dict());
  if (!configuration.contains("num_classes")) {
    configuration.as_dict().set("num_classes",
                                classes_in(*state_dict, *architecture, architecture->defaults));
  }
  Model model = build(options.architecture, configuration);
  load_state_dict(*model, fitted(*state_dict, *architecture, model));
  return model;
}

Model load_program(const std::filesystem::path& path, const LoadModelOptions& options) {
  if (options.torchscript == LoadModelOptions::TorchScript::allow) return load_script_model(path);
  fail_at(ErrorCode::unsafe, {},
          "set LoadModelOptions::torchscript to allow if you trust its origin; load() reads its "
          "tensors without running it",
          "a TorchScript archive is a program, which can read and write files");
}

// Without a Python class the dict; else the pickle.
Value file_value(const Model& model, Layout layout) {
  if (!has_python_class(model.module())) return to_value(model);
  ModuleTree tree = python_tree(model.module());
  keep_extras(model, tree);
  return to_value(tree, layout);
}

}  // namespace whole_model_detail

Value to_value(const Model& model) {
  if (!has_python_class(model.module())) model_class(model.architecture());
  return whole_model_detail::describe(model.architecture(), model.configuration(), model.module());
}

Model model_from_value(const Value& value) {
  namespace detail = whole_model_detail;
  const auto found = find_module(value);
  if (found && !value.contains("architecture")) return model_from_tree(module_tree(*found->module));
  detail::check_is_model(value);
  detail::check_version(value);
  if (const Value* form = value["configuration"].find(detail::kForm)) {
    Model model = detail::build_from_form(*form, value);
    detail::restore_flags(model, value);
    return model;
  }
  Model model = detail::build(value["architecture"].as_string(), value["configuration"]);
  load_state_dict(*model, detail::state_dict_of(value));
  detail::restore_flags(model, value);
  return model;
}

void save_model(const Model& model, const std::filesystem::path& path, const SaveOptions& options) {
  save(whole_model_detail::file_value(model, options.layout), path, options);
}

void save_model(const torch::nn::Module& module,
                const std::filesystem::path& path,
                const SaveOptions& options) {
  if (has_python_class(module)) {
    save(to_value(python_tree(module), options.layout), path, options);
    return;
  }
  const auto known = model_class_of(module);
  save(whole_model_detail::describe(known->architecture, known->describe(module), module), path,
       options);
}

Model load_model(const std::filesystem::path& path, const LoadModelOptions& options) {
  namespace detail = whole_model_detail;
  const LoadedFile file = load_file(path, options.load);
  try {
    if (file.format == "torchscript") return detail::load_program(path, options);
    const Value& value = file.content.value;
    return options.architecture.empty() ? model_from_value(value) : detail::load_as(value, options);
  } catch (Error& error) {
    error.add_place({.path = path.string()});
    throw;
  }
}

}  // namespace torchkeep
