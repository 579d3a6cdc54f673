// The table of torchkeep's own models.
#include <algorithm>

#include <torchkeep/hub.h>
#include <torchkeep/models.h>
#include <torchkeep/module.h>

#include "base/fail.h"
#include "models/configuration.h"
#include "models/families.h"
#include "models/layers.h"
#include "models/registry.h"
#include "models/weights.h"

namespace torchkeep {

namespace zoo_detail {

std::vector<Architecture> all_families() {
  std::vector<Architecture> all;
  for (const auto family :
       {alexnet_family, cifar_resnet_family, convnext_family, densenet_family, efficientnet_family,
        googlenet_family, inception_family, mnasnet_family, mobilenet_v1_family,
        mobilenet_v2_family, mobilenet_v3_family, regnet_family, resnet_family, shufflenet_family,
        squeezenet_family, tiny_vgg_family, vgg_family}) {
    for (Architecture& row : family()) all.push_back(std::move(row));
  }
  return all;
}

struct WeightsSource {
  std::filesystem::path path;
  const PublishedWeights* published;  // null for other files
};

// Published weights by their name, downloaded if need be, or a file; a file under the name of a
// published one is taken for it.
WeightsSource find_weights(const Architecture& architecture, const std::string& asked) {
  const auto is_part_of_name = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  const std::filesystem::path path = asked;
  const bool is_enum =
      std::ranges::all_of(asked, is_part_of_name) || asked.find("_Weights.") != std::string::npos;
  std::error_code error;
  if (!is_enum || std::filesystem::exists(path, error)) {
    return {path, find_published_weights(architecture.name, path.filename().string())};
  }
  const PublishedWeights& published = published_weights(architecture.name, asked);
  return {fetch_weights(published), &published};
}

Model create_with_weights(const Architecture& architecture, const models::ModelOptions& asked) {
  const auto [path, published] = find_weights(architecture, asked.weights);
  try {
    const StateDict weights = read_weights(path);
    ClassifierOptions options =
        options_of(architecture,
                   published ? architecture.defaults_with_weights : architecture.defaults, asked);
    if (!asked.num_classes) options.num_classes = classes_in(weights, architecture, options);
    // What the weights expect makes no sense for other channels.
    if (!asked.transform_input && options.in_channels != 3 && options.transform_input) {
      options.transform_input = false;
    }
    const SkipInitialisation skip;
    Model model = build_classifier(architecture, options);
    load_state_dict(*model, fitted(weights, architecture, model));
    return model;
  } catch (Error& error) {
    error.add_place({.path = path.string()});
    throw;
  }
}

}  // namespace zoo_detail

const std::vector<Architecture>& zoo() {
  static const std::vector<Architecture> architectures = zoo_detail::all_families();
  return architectures;
}

const Architecture* find_architecture(std::string_view name) {
  const auto found = std::ranges::find(zoo(), name, &Architecture::name);
  return found == zoo().end() ? nullptr : &*found;
}

Model build_classifier(const Architecture& architecture, const ClassifierOptions& options) {
  check_range(options);
  auto module = architecture.build(std::string(architecture.name), options);
  module->set_options(options);
  return Model(std::string(architecture.name), describe_classifier(*module), module,
               [module](const at::Tensor& x) { return module->forward(x); });
}

namespace models {

Model create(const std::string& architecture, const ModelOptions& options) {
  const Architecture* found = find_architecture(architecture);
  if (!found) {
    model_class(architecture);  // throws for a name that nobody knows
    fail_at(ErrorCode::invalid_argument, {}, "build it with create_model()",
            "{} is a registered class, not one of torchkeep's own models", architecture);
  }
  if (!options.weights.empty()) return zoo_detail::create_with_weights(*found, options);
  return build_classifier(*found, options_of(*found, found->defaults, options));
}

std::vector<at::Tensor> forward_with_auxiliary(const Model& model, const at::Tensor& x) {
  auto* classifier = dynamic_cast<Classifier*>(&model.module());
  if (!classifier) return {model.forward(x)};
  return classifier->forward_with_auxiliary(x);
}

}  // namespace models

}  // namespace torchkeep
