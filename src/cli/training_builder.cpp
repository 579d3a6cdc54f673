#include "cli/training_builder.h"

#include <utility>

#include <torchkeep/checkpoint.h>
#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/hub.h>
#include <torchkeep/image_model.h>
#include <torchkeep/load.h>
#include <torchkeep/models.h>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/nn/module.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include "base/fail.h"
#include "cli/cached_training.h"
#include "cli/training_data.h"

namespace torchkeep::cli {
namespace training_builder_detail {

// Each group at its part of the learning rate.
template <class Optimizer, class Options>
std::unique_ptr<torch::optim::Optimizer> optimizer_of(const std::vector<ParameterGroup>& groups,
                                                      const Options& options) {
  std::vector<torch::optim::OptimizerParamGroup> all;
  for (const ParameterGroup& group : groups) {
    auto own = std::make_unique<Options>(options);
    own->lr(options.lr() * group.lr_factor);
    all.emplace_back(group.parameters, std::move(own));
  }
  return std::make_unique<Optimizer>(std::move(all), options);
}

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const RunSettings& settings,
                                                        const std::vector<ParameterGroup>& groups) {
  namespace optim = torch::optim;
  const double lr = settings.lr;
  const double decay = settings.weight_decay;
  if (settings.optimizer == "sgd") {
    return optimizer_of<optim::SGD>(
        groups, optim::SGDOptions(lr).momentum(settings.momentum).weight_decay(decay));
  }
  if (settings.optimizer == "adam") {
    return optimizer_of<optim::Adam>(groups, optim::AdamOptions(lr).weight_decay(decay));
  }
  if (settings.optimizer == "adamw") {
    return optimizer_of<optim::AdamW>(groups, optim::AdamWOptions(lr).weight_decay(decay));
  }
  if (settings.optimizer == "rmsprop") {
    return optimizer_of<optim::RMSprop>(
        groups, optim::RMSpropOptions(lr).momentum(settings.momentum).weight_decay(decay));
  }
  if (settings.optimizer == "adagrad") {
    return optimizer_of<optim::Adagrad>(groups, optim::AdagradOptions(lr).weight_decay(decay));
  }
  fail(ErrorCode::invalid_argument,
       "no optimizer \"{}\" (there are sgd, adam, adamw, rmsprop, adagrad)", settings.optimizer);
}

// A head is of use again for the very same classes; of others that it knows it keeps the rows.
void fit_head(const Model& model, const std::vector<std::string>& classes) {
  const std::vector<std::string> previous = class_names(model);
  if (previous == classes) return;
  if (previous.empty()) {
    replace_head(model.module(), static_cast<std::int64_t>(classes.size()));
  } else {
    replace_head(model.module(), classes, previous);
  }
}

Model start_model(const RunSettings& settings, const std::vector<std::string>& classes) {
  const auto count = static_cast<std::int64_t>(classes.size());
  at::manual_seed(static_cast<std::uint64_t>(settings.seed));
  if (settings.from.empty() && settings.weights.empty()) {
    return create_model(settings.model, dict({{"num_classes", count}}));
  }
  Model model = settings.from.empty()
                    ? models::create(settings.model, {.weights = settings.weights})
                    : load_model_of(settings.from).model;
  fit_head(model, classes);
  return model;
}

// Of weights that are published under a name.
std::optional<Preprocessing> published_preprocessing(const RunSettings& settings) {
  const auto* published = find_published_weights(settings.model, settings.weights);
  if (published == nullptr) return std::nullopt;
  return published->preprocessing;
}

RetentionPolicy retention_policy(const RunSettings& settings) {
  RetentionPolicy policy{.every_n_epochs = settings.keep_every_n_epochs,
                         .every_n_steps = settings.keep_every_n_steps,
                         .every_n_minutes = settings.keep_every_n_minutes};
  if (settings.keep_last) policy.last = static_cast<int>(*settings.keep_last);
  return policy;
}

TrainerOptions trainer_options(const RunSettings& settings) {
  const Mode mode = mode_from_name(settings.mode).value();
  TrainerOptions options;
  options.epochs = static_cast<int>(settings.epochs);
  options.checkpoints = {.filename = settings.filename,
                         .monitor = settings.monitor,
                         .mode = mode,
                         .save_top_k = static_cast<int>(settings.save_top_k),
                         .every_n_epochs = static_cast<int>(settings.save_every_n_epochs),
                         .every_n_steps = settings.save_every_n_steps,
                         .every_n_minutes = settings.save_every_n_minutes,
                         .retention = retention_policy(settings)};
  if (settings.async_save) {
    options.checkpoints.saving = CheckpointManagerOptions::Saving::in_background;
  }
  options.ema_decay = settings.ema;
  if (settings.trash) options.checkpoints.deletion = Deletion::move_to_trash;
  options.early_stopping.reset();
  if (settings.patience > 0) {
    options.early_stopping =
        EarlyStoppingOptions{.monitor = settings.monitor,
                             .mode = mode,
                             .criterion = stop_criterion_from_name(settings.stop_criterion).value(),
                             .patience = static_cast<int>(settings.patience)};
  }
  if (!settings.scheduler.empty()) {
    options.schedule =
        parse_schedule(settings.scheduler, {.lr = settings.lr, .total = settings.schedule_total});
  }
  if (settings.schedule_each == "step") {
    options.schedule_each = TrainerOptions::ScheduleEach::step;
  }
  options.save_on_exception = true;
  options.hyper_parameters = to_value(settings);
  return options;
}

std::int64_t planned_steps(const RunSettings& settings, const RunData& data) {
  if (settings.schedule_each != "step") return settings.epochs;
  const std::int64_t images = data.training.size();
  return settings.epochs * ((images + settings.batch_size - 1) / settings.batch_size);
}

// The freshly initialised model, or the one that the settings name.
Model first_model(const RunSettings& settings, const RunData& data) {
  Model model = start_model(settings, data.training.class_names);
  freeze_as_asked(model.module(), settings.transfer);
  set_class_names(model, data.training.class_names);
  return model;
}

// The same order of other images would be another training.
void keep_or_check_fingerprint(RunSettings& settings, const Dataset& training) {
  const std::string found = fingerprint(training);
  if (!settings.data_fingerprint.empty() && settings.data_fingerprint != found) {
    fail_at(ErrorCode::mismatch, {.path = settings.data},
            "put the data back as they were, or start a new training with --from",
            "the images are not those that the training began with");
  }
  settings.data_fingerprint = found;
}

// A random crop out of images in memory has their size, where nothing says another one.
int crop_for(const Preprocessing& preprocessing,
             const Augmentation& augmentation,
             const Dataset& dataset) {
  const bool cuts = augmentation.random_resized_crop || augmentation.crop_padding > 0;
  const bool can_keep_size = dataset.images.defined() && preprocessing.crop == 0 &&
                             dataset.images.size(2) == dataset.images.size(3);
  return cuts && can_keep_size ? static_cast<int>(dataset.images.size(2)) : preprocessing.crop;
}

BatchOptions training_batches(const RunSettings& settings,
                              const Preprocessing& preprocessing,
                              const Dataset& dataset) {
  BatchOptions options{.batch_size = settings.batch_size,
                       .order = BatchOptions::Order::shuffled,
                       .seed = static_cast<std::uint64_t>(settings.seed),
                       .preprocessing = preprocessing,
                       .augmentation = parse_augmentation(settings.augment),
                       .workers = static_cast<int>(settings.images.workers)};
  options.preprocessing.crop = crop_for(preprocessing, options.augmentation, dataset);
  return options;
}

}  // namespace training_builder_detail

std::filesystem::path model_file(const std::filesystem::path& file_or_directory) {
  std::error_code error;
  if (!std::filesystem::is_directory(file_or_directory, error)) return file_or_directory;
  const auto best = best_checkpoint(file_or_directory);
  if (best) return best->path;
  fail_at(ErrorCode::not_found, {.path = file_or_directory.string()}, "",
          "there is no checkpoint in it");
}

std::filesystem::path starting_file(const RunSettings& settings) {
  if (!settings.from.empty()) return model_file(settings.from);
  if (settings.weights.empty()) return {};
  const PublishedWeights* published = find_published_weights(settings.model, settings.weights);
  return published ? fetch_weights(*published) : std::filesystem::path(settings.weights);
}

LoadedModel load_model_of(const std::filesystem::path& file_or_directory,
                          const std::string& architecture) {
  if (!architecture.empty()) {
    return {file_or_directory, Value(),
            models::create(architecture, {.weights = file_or_directory.string()})};
  }
  std::filesystem::path path = model_file(file_or_directory);
  Value value = load(path);
  try {
    Model model = model_from_checkpoint(value);
    return {std::move(path), std::move(value), std::move(model)};
  } catch (Error& problem) {
    problem.add_place({.path = path.string()});
    throw;
  }
}

TrainingParts build_training(RunSettings settings, const Value* checkpoint) {
  namespace detail = training_builder_detail;
  choose_defaults(settings);
  at::set_num_threads(static_cast<int>(settings.threads));
  const RunData data = load_run_data(settings);
  if (checkpoint == nullptr) settings.schedule_total = detail::planned_steps(settings, data);
  detail::keep_or_check_fingerprint(settings, data.training);
  Model model =
      checkpoint ? model_from_checkpoint(*checkpoint) : detail::first_model(settings, data);
  const Preprocessing chosen = choose_preprocessing(settings.images, model, data.training,
                                                    detail::published_preprocessing(settings));
  set_preprocessing(model, chosen);
  const TransferPlan plan = plan_transfer(model.module(), settings.transfer);
  TrainingParts parts{.model = model,
                      .optimizer = detail::make_optimizer(settings, plan.groups),
                      .training = BatchSource(
                          data.training, detail::training_batches(settings, chosen, data.training)),
                      .options = detail::trainer_options(settings)};
  if (data.validation) {
    parts.validation.emplace(*data.validation,
                             BatchOptions{.batch_size = settings.batch_size,
                                          .preprocessing = chosen,
                                          .workers = static_cast<int>(settings.images.workers)});
  }
  set_transfer(parts.options, settings.transfer, plan, data.training);
  if (!settings.transfer.cache_features.empty()) train_on_features(parts, settings);
  return parts;
}

}  // namespace torchkeep::cli
