#include "cli/run_settings.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "base/parallel.h"

namespace torchkeep::cli {
namespace {

// Every setting under its name in files.
template <class Settings, class Visitor>
void for_each_setting(Settings& settings, Visitor visit) {
  visit("model", settings.model);
  visit("weights", settings.weights);
  visit("from", settings.from);
  visit("freeze", settings.transfer.freeze);
  visit("freeze_to", settings.transfer.freeze_to);
  visit("unfreeze", settings.transfer.unfreeze);
  visit("recipe", settings.transfer.recipe);
  visit("head_epochs", settings.transfer.head_epochs);
  visit("backbone_lr_factor", settings.transfer.backbone_lr_factor);
  visit("layer_decay", settings.transfer.layer_decay);
  visit("label_smoothing", settings.transfer.label_smoothing);
  visit("class_weights", settings.transfer.class_weights);
  visit("precision", settings.transfer.precision);
  visit("frozen", settings.transfer.frozen);
  visit("cache_features", settings.transfer.cache_features);
  visit("feature_views", settings.transfer.feature_views);
  visit("data", settings.data);
  visit("classes", settings.classes);
  visit("per_class", settings.per_class);
  visit("data_fingerprint", settings.data_fingerprint);
  visit("validation_fraction", settings.validation_fraction);
  visit("image_size", settings.images.image_size);
  visit("resize", settings.images.resize);
  visit("interpolation", settings.images.interpolation);
  visit("orientation", settings.images.orientation);
  visit("jpeg_scale", settings.images.jpeg_scale);
  visit("workers", settings.images.workers);
  visit("broken_images", settings.images.broken_images);
  visit("augment", settings.augment);
  visit("epochs", settings.epochs);
  visit("batch_size", settings.batch_size);
  visit("optimizer", settings.optimizer);
  visit("lr", settings.lr);
  visit("momentum", settings.momentum);
  visit("weight_decay", settings.weight_decay);
  visit("scheduler", settings.scheduler);
  visit("schedule_each", settings.schedule_each);
  visit("schedule_total", settings.schedule_total);
  visit("seed", settings.seed);
  visit("threads", settings.threads);
  visit("filename", settings.filename);
  visit("monitor", settings.monitor);
  visit("mode", settings.mode);
  visit("save_top_k", settings.save_top_k);
  visit("save_every_n_epochs", settings.save_every_n_epochs);
  visit("save_every_n_steps", settings.save_every_n_steps);
  visit("save_every_n_minutes", settings.save_every_n_minutes);
  visit("keep_last", settings.keep_last);
  visit("keep_every_n_epochs", settings.keep_every_n_epochs);
  visit("keep_every_n_steps", settings.keep_every_n_steps);
  visit("keep_every_n_minutes", settings.keep_every_n_minutes);
  visit("trash", settings.trash);
  visit("delta", settings.delta);
  visit("async_save", settings.async_save);
  visit("ema", settings.ema);
  visit("patience", settings.patience);
  visit("stop_criterion", settings.stop_criterion);
}

// Checkpoints of the first releases do not have them.
constexpr auto kAddedLater = std::to_array<std::string_view>({"scheduler",
                                                              "schedule_each",
                                                              "schedule_total",
                                                              "save_every_n_steps",
                                                              "weights",
                                                              "image_size",
                                                              "resize",
                                                              "interpolation",
                                                              "orientation",
                                                              "jpeg_scale",
                                                              "workers",
                                                              "broken_images",
                                                              "augment",
                                                              "data_fingerprint",
                                                              "save_every_n_epochs",
                                                              "save_every_n_minutes",
                                                              "keep_last",
                                                              "keep_every_n_epochs",
                                                              "keep_every_n_steps",
                                                              "keep_every_n_minutes",
                                                              "trash",
                                                              "delta",
                                                              "async_save",
                                                              "ema",
                                                              "freeze_to",
                                                              "unfreeze",
                                                              "recipe",
                                                              "head_epochs",
                                                              "backbone_lr_factor",
                                                              "layer_decay",
                                                              "label_smoothing",
                                                              "class_weights",
                                                              "precision",
                                                              "frozen",
                                                              "cache_features",
                                                              "feature_views"});

template <class T>
Value setting_to_value(const T& setting) {
  return Value(setting);
}
template <class T>
Value setting_to_value(const std::vector<T>& settings) {
  return Value(List(settings.begin(), settings.end()));
}
template <class T>
Value setting_to_value(const std::optional<T>& setting) {
  return setting ? Value(*setting) : Value();
}

void read_setting(const Value& value, std::string& setting) { setting = value.as_string(); }
void read_setting(const Value& value, std::int64_t& setting) { setting = value.as_int(); }
void read_setting(const Value& value, double& setting) { setting = value.as_double(); }
void read_setting(const Value& value, bool& setting) { setting = value.as_bool(); }
template <class T>
void read_setting(const Value& value, std::optional<T>& setting) {
  setting.reset();
  if (!value.is_none()) read_setting(value, setting.emplace());
}
template <class T>
void read_setting(const Value& value, std::vector<T>& setting) {
  setting.clear();
  for (const Value& item : value.items()) read_setting(item, setting.emplace_back());
}

// What is no option, or is said by other ones.
constexpr std::array<std::string_view, 2> kNotInToml = {"schedule_total", "data_fingerprint"};
// Where 0 stands for what was left open.
constexpr std::array<std::string_view, 5> kOpenAtZero = {"threads", "image_size", "resize",
                                                         "workers", "backbone_lr_factor"};

// Empty for a setting that was left open.
std::string toml_of(const std::string& setting) {
  return setting.empty() ? "" : nlohmann::json(setting).dump();
}
std::string toml_of(bool setting) { return setting ? "true" : ""; }
std::string toml_of(std::int64_t setting) { return std::to_string(setting); }
std::string toml_of(double setting) { return fmt::format("{}", setting); }
std::string toml_of(const std::optional<std::int64_t>& setting) {
  return setting ? toml_of(*setting) : "";
}
std::string toml_of(const std::vector<std::string>& setting) {
  return setting.empty() ? "" : nlohmann::json(setting).dump();
}
// As the option takes a list of classes.
std::string toml_of(const std::vector<std::int64_t>& setting) {
  return toml_of(fmt::format("{}", fmt::join(setting, ",")));
}

}  // namespace

void choose_defaults(RunSettings& settings) {
  if (settings.threads == 0) settings.threads = usable_processors();
  const std::string part = settings.validation_fraction > 0.0 ? "val" : "train";
  if (settings.monitor.empty()) settings.monitor = part + "_loss";
  if (settings.mode.empty()) settings.mode = settings.monitor.ends_with("acc") ? "max" : "min";
  if (settings.filename.empty()) {
    settings.filename =
        fmt::format("checkpoint_model_{{epoch}}_{{{0}_loss:.4f}}_{{{0}_acc:.4f}}", part);
  }
}

Value to_value(const RunSettings& settings) {
  Dict dict;
  for_each_setting(settings, [&](const char* key, const auto& setting) {
    dict.set(key, setting_to_value(setting));
  });
  return Value(std::move(dict));
}

RunSettings settings_from_value(const Value& value) {
  RunSettings settings;
  for_each_setting(settings, [&](const char* key, auto& setting) {
    if (!value.contains(key) && std::ranges::find(kAddedLater, key) != kAddedLater.end()) return;
    try {
      read_setting(value[key], setting);
    } catch (Error& error) {
      error.add_place({.tensor = std::string("hyper_parameters.") + key});
      throw;
    }
  });
  return settings;
}

std::string to_toml(const RunSettings& settings) {
  std::string text;
  for_each_setting(settings, [&](const std::string& key, const auto& setting) {
    const std::string value = toml_of(setting);
    const bool is_open =
        value.empty() || (value == "0" && std::ranges::find(kOpenAtZero, key) != kOpenAtZero.end());
    if (is_open || std::ranges::find(kNotInToml, key) != kNotInToml.end()) return;
    std::string name = key;
    std::ranges::replace(name, '_', '-');
    text += fmt::format("{} = {}\n", name, value);
  });
  return text;
}

}  // namespace torchkeep::cli
