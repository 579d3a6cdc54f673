#include "models/configuration.h"

#include <cmath>
#include <type_traits>

#include <fmt/ranges.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>

#include "base/fail.h"
#include "base/similar.h"
#include "models/head.h"

namespace torchkeep {

namespace configuration_detail {

// The one list of the options: `visit(key, member of ClassifierOptions, member of ModelOptions)`.
template <class Visit>
void for_each_option(Visit visit) {
  using models::ModelOptions;
  visit("num_classes", &ClassifierOptions::num_classes, &ModelOptions::num_classes);
  visit("dropout", &ClassifierOptions::dropout, &ModelOptions::dropout);
  visit("in_channels", &ClassifierOptions::in_channels, &ModelOptions::in_channels);
  visit("width_mult", &ClassifierOptions::width_mult, &ModelOptions::width_mult);
  visit("stochastic_depth_prob", &ClassifierOptions::stochastic_depth_prob,
        &ModelOptions::stochastic_depth_prob);
  visit("aux_logits", &ClassifierOptions::aux_logits, &ModelOptions::aux_logits);
  visit("transform_input", &ClassifierOptions::transform_input, &ModelOptions::transform_input);
}

std::int64_t value_as(const Value& value, std::int64_t) { return value.as_int(); }
double value_as(const Value& value, double) { return value.as_double(); }
bool value_as(const Value& value, bool) { return value.as_bool(); }

template <class T>
std::optional<Value> as_value(const T& option) {
  return Value(option);
}
template <class T>
std::optional<Value> as_value(const std::optional<T>& option) {
  if (!option) return std::nullopt;
  return Value(*option);
}

template <class T>
struct Unwrapped {
  using Type = T;
};
template <class T>
struct Unwrapped<std::optional<T>> {
  using Type = T;
};

[[noreturn]] void fail_without_option(const Architecture& architecture, std::string_view key) {
  fail(ErrorCode::invalid_argument, "{} has no option {}", architecture.name, key);
}

// Sets an option, if the architecture has it.
template <class Option, class T>
void set_option(const Architecture& architecture, std::string_view key, Option& option, T value) {
  if constexpr (!std::is_same_v<Option, T>) {
    if (!option) fail_without_option(architecture, key);
  }
  option = value;
}

void check_probability(std::string_view key, const std::optional<double>& value) {
  if (!value || (*value >= 0.0 && *value <= 1.0)) return;
  fail(ErrorCode::invalid_argument, "{} must be a probability from 0 to 1 (got {})", key, *value);
}

void check_positive(std::string_view key, std::int64_t value) {
  if (value >= 1) return;
  fail(ErrorCode::invalid_argument, "{} must be at least 1 (got {})", key, value);
}

template <class Layer>
std::shared_ptr<Layer> first(const torch::nn::Module& module) {
  for (const auto& child : module.modules(/*include_self=*/false)) {
    if (auto layer = std::dynamic_pointer_cast<Layer>(child)) return layer;
  }
  return nullptr;
}

template <class Layer>
std::shared_ptr<Layer> last(const torch::nn::Module& module) {
  std::shared_ptr<Layer> found;
  for (const auto& child : module.modules(/*include_self=*/false)) {
    if (auto layer = std::dynamic_pointer_cast<Layer>(child)) found = layer;
  }
  return found;
}

}  // namespace configuration_detail

ClassifierOptions options_of(const Architecture& architecture, const Value& configuration) {
  ClassifierOptions options = architecture.defaults;
  configuration_detail::for_each_option([&](std::string_view key, auto member, auto) {
    const Value* value = configuration.find(key);
    if (!value) return;
    auto& option = options.*member;
    using Type =
        typename configuration_detail::Unwrapped<std::remove_reference_t<decltype(option)>>::Type;
    try {
      configuration_detail::set_option(architecture, key, option,
                                       configuration_detail::value_as(*value, Type()));
    } catch (Error& error) {
      error.add_place({.tensor = fmt::format("configuration.{}", key)});
      throw;
    }
  });
  return options;
}

ClassifierOptions options_of(const Architecture& architecture,
                             const ClassifierOptions& defaults,
                             const models::ModelOptions& asked) {
  ClassifierOptions options = defaults;
  configuration_detail::for_each_option([&](std::string_view key, auto member, auto asked_member) {
    const auto& value = asked.*asked_member;
    if (value) configuration_detail::set_option(architecture, key, options.*member, *value);
  });
  return options;
}

void check_range(const ClassifierOptions& options) {
  configuration_detail::check_positive("num_classes", options.num_classes);
  configuration_detail::check_positive("in_channels", options.in_channels);
  configuration_detail::check_probability("dropout", options.dropout);
  configuration_detail::check_probability("stochastic_depth_prob", options.stochastic_depth_prob);
  constexpr double kWidest = 64;
  const double width = options.width_mult.value_or(1.0);
  if (!(width > 0.0 && width <= kWidest)) {
    fail(ErrorCode::invalid_argument, "width_mult must be above 0 and at most {} (got {})", kWidest,
         width);
  }
  if (options.transform_input.value_or(false) && options.in_channels != 3) {
    fail(ErrorCode::invalid_argument, "transform_input needs 3 channels (got in_channels {})",
         options.in_channels);
  }
}

void check_configuration_keys(const Value& configuration) {
  std::vector<std::string_view> keys;
  configuration_detail::for_each_option(
      [&](std::string_view key, auto, auto) { keys.push_back(key); });
  for (const auto& [key, value] : configuration.as_dict()) {
    const std::string& name = key.as_string();
    if (std::ranges::find(keys, name) != keys.end()) continue;
    const auto meant = most_similar(name, keys);
    fail_at(ErrorCode::invalid_argument, {.tensor = "configuration"},
            meant ? fmt::format("did you mean '{}'?", *meant) : "",
            "unknown key '{}' (known are {})", name, fmt::join(keys, ", "));
  }
}

Value describe_classifier(const torch::nn::Module& module) {
  ClassifierOptions options;
  if (const auto* classifier = dynamic_cast<const Classifier*>(&module)) {
    options = classifier->options();
  }
  if (const auto head = find_head(module)) options.num_classes = head->num_classes();
  // The last one is that of the main classifier.
  if (const auto dropout = configuration_detail::last<torch::nn::DropoutImpl>(module)) {
    options.dropout = dropout->options.p();
  }
  if (const auto convolution = configuration_detail::first<torch::nn::Conv2dImpl>(module)) {
    options.in_channels = convolution->options.in_channels();
  }
  Dict configuration;
  configuration_detail::for_each_option([&](std::string_view key, auto member, auto) {
    if (auto value = configuration_detail::as_value(options.*member)) {
      configuration.set(Value(key), std::move(*value));
    }
  });
  return Value(std::move(configuration));
}

}  // namespace torchkeep
