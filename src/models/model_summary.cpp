#include <unordered_map>
#include <unordered_set>

#include <torchkeep/model_summary.h>

#include <c10/core/GradMode.h>
#include <c10/util/Type.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/nn/module.h>

#include "base/table.h"
#include "models/python_model.h"
#include "nn/layer.h"
#include "nn/module_walk.h"

namespace torchkeep {

namespace model_summary_detail {

using Shapes = std::unordered_map<const torch::nn::Module*, Shape>;

// Brings the training flags back, that of a frozen batch norm included.
class FlagsGuard {
 public:
  explicit FlagsGuard(torch::nn::Module& root) {
    for (const auto& module : root.modules(/*include_self=*/false)) {
      flags_.emplace_back(module.get(), module->is_training());
    }
    root_ = &root;
    root_training_ = root.is_training();
  }
  ~FlagsGuard() {
    root_->train(root_training_);
    for (const auto& [module, training] : flags_) module->train(training);
  }
  FlagsGuard(const FlagsGuard&) = delete;
  FlagsGuard& operator=(const FlagsGuard&) = delete;

 private:
  std::vector<std::pair<torch::nn::Module*, bool>> flags_;  // parents first
  torch::nn::Module* root_;
  bool root_training_;
};

Shapes output_shapes(const Model& model, const at::Tensor& input) {
  const FlagsGuard flags(model.module());
  model.eval();
  const c10::NoGradGuard no_grad;
  Shapes shapes;
  at::Tensor result;
  {
    const LayerObserver observer([&](const torch::nn::Module& module, const at::Tensor& output) {
      shapes[&module] = output.sizes().vec();
    });
    result = model.forward(input);
  }
  shapes[&model.module()] = result.sizes().vec();
  return shapes;
}

std::string last_part(const std::string& path, std::string_view separator) {
  const std::size_t found = path.rfind(separator);
  return found == std::string::npos ? path : path.substr(found + separator.size());
}

std::string class_name(const torch::nn::Module& module) {
  if (has_python_class(module)) return last_part(python_class_path(module), ".");
  return last_part(c10::demangle(typeid(module).name()), "::");
}

}  // namespace model_summary_detail

ModelSummary summarise(const Model& model, const std::optional<at::Tensor>& input) {
  namespace detail = model_summary_detail;
  const detail::Shapes shapes = input ? detail::output_shapes(model, *input) : detail::Shapes();
  ModelSummary summary;
  summary.architecture = model.architecture();
  std::unordered_set<const void*> counted;
  for_each_module(model.module(), [&](const std::string& path, const torch::nn::Module& module) {
    LayerSummary layer;
    layer.name = path;
    layer.class_name = detail::class_name(module);
    if (const auto found = shapes.find(&module); found != shapes.end()) {
      layer.output = found->second;
    }
    for (const at::Tensor& parameter : module.parameters(/*recurse=*/false)) {
      const std::int64_t trainable = parameter.requires_grad() ? parameter.numel() : 0;
      layer.parameters += parameter.numel();
      layer.trainable += trainable;
      if (!counted.insert(parameter.unsafeGetTensorImpl()).second) continue;
      summary.parameters += parameter.numel();
      summary.trainable += trainable;
    }
    summary.layers.push_back(std::move(layer));
  });
  return summary;
}

std::string to_string(const ModelSummary& summary) {
  const auto number = [](std::int64_t n) { return grouped(static_cast<std::uint64_t>(n)); };
  Table table({{"layer"},
               {"class"},
               {"output"},
               {"parameters", Table::Align::right},
               {"trainable", Table::Align::right}});
  for (const LayerSummary& layer : summary.layers) {
    const bool has_any = layer.parameters > 0;
    table.add_row({layer.name.empty() ? summary.architecture : layer.name, layer.class_name,
                   layer.output ? to_string(*layer.output) : "",
                   has_any ? number(layer.parameters) : "",
                   has_any ? number(layer.trainable) : ""});
  }
  return table.text() + fmt::format("{} parameters, {} trainable, {} frozen\n",
                                    number(summary.parameters), number(summary.trainable),
                                    number(summary.parameters - summary.trainable));
}

std::string to_json(const ModelSummary& summary) {
  using Json = nlohmann::ordered_json;
  Json layers = Json::array();
  for (const LayerSummary& layer : summary.layers) {
    Json json = {{"name", layer.name}, {"class", layer.class_name}};
    if (layer.output) json["output"] = *layer.output;
    json["parameters"] = layer.parameters;
    json["trainable"] = layer.trainable;
    layers.push_back(std::move(json));
  }
  const Json document = {{"architecture", summary.architecture},
                         {"layers", std::move(layers)},
                         {"parameters", summary.parameters},
                         {"trainable", summary.trainable}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace torchkeep
