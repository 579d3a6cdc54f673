#include "cli/training_builder.h"

#include <utility>

#include <torchkeep/checkpoint.h>
#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/freeze.h>
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

namespace torchkeep::cli {
namespace training_builder_detail {

// A frozen parameter gets no gradient, and weight decay must not move it.
std::vector<at::Tensor> trainable_parameters(const torch::nn::Module& module) {
  std::vector<at::Tensor> parameters;
  for (const at::Tensor& parameter : module.parameters()) {
    if (parameter.requires_grad()) parameters.push_back(parameter);
  }
  if (parameters.empty()) {
    fail(ErrorCode::invalid_argument,
         "all parameters of the model are frozen; nothing can be trained");
  }
  return parameters;
}

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const RunSettings& settings,
                                                        const torch::nn::Module& module) {
  namespace optim = torch::optim;
  const std::vector<at::Tensor> parameters = trainable_parameters(module);
  const double lr = settings.lr;
  const double weight_decay = settings.weight_decay;
  if (settings.optimizer == "sgd") {
    return std::make_unique<optim::SGD>(
        parameters, optim::SGDOptions(lr).momentum(settings.momentum).weight_decay(weight_decay));
  }
  if (settings.optimizer == "adam") {
    return std::make_unique<optim::Adam>(parameters,
                                         optim::AdamOptions(lr).weight_decay(weight_decay));
  }
  if (settings.optimizer == "adamw") {
    return std::make_unique<optim::AdamW>(parameters,
                                          optim::AdamWOptions(lr).weight_decay(weight_decay));
  }
  if (settings.optimizer == "rmsprop") {
    return std::make_unique<optim::RMSprop>(
        parameters,
        optim::RMSpropOptions(lr).momentum(settings.momentum).weight_decay(weight_decay));
  }
  if (settings.optimizer == "adagrad") {
    return std::make_unique<optim::Adagrad>(parameters,
                                            optim::AdagradOptions(lr).weight_decay(weight_decay));
  }
  fail(ErrorCode::invalid_argument,
       "no optimizer \"{}\" (there are sgd, adam, adamw, rmsprop, adagrad)", settings.optimizer);
}

struct RunData {
  BatchSource training;
  std::optional<BatchSource> validation;
};

RunData load_run_data(const RunSettings& settings) {
  Dataset all = load_data(settings.data, Split::train, settings.classes);
  if (settings.per_class) all = take_per_class(all, *settings.per_class);
  const auto seed = static_cast<std::uint64_t>(settings.seed);
  auto [training, validation] = split(all, settings.validation_fraction, seed);
  RunData data{BatchSource(training, {.batch_size = settings.batch_size,
                                      .order = BatchOptions::Order::shuffled,
                                      .seed = seed}),
               std::nullopt};
  if (validation.size() > 0) {
    data.validation.emplace(validation, BatchOptions{.batch_size = settings.batch_size});
  }
  return data;
}

std::vector<std::string> class_names_of(const Value& checkpoint) {
  std::vector<std::string> names;
  const Value* settings = checkpoint.find("hyper_parameters");
  const Value* found = settings == nullptr ? nullptr : settings->find("class_names");
  if (found == nullptr || !found->is_list()) return names;
  for (const Value& item : found->as_list()) names.push_back(item.as_string());
  return names;
}

// A head is of use again only for the very same classes.
Model start_model(const RunSettings& settings) {
  const auto classes = static_cast<std::int64_t>(settings.class_names.size());
  at::manual_seed(static_cast<std::uint64_t>(settings.seed));
  if (settings.from.empty()) {
    return create_model(settings.model, dict({{"num_classes", classes}}));
  }
  LoadedModel loaded = load_model_of(settings.from);
  if (class_names_of(loaded.value) != settings.class_names) {
    replace_head(loaded.model.module(), classes);
  }
  return std::move(loaded.model);
}

TrainerOptions trainer_options(const RunSettings& settings) {
  const Mode mode = mode_from_name(settings.mode).value();
  TrainerOptions options;
  options.epochs = static_cast<int>(settings.epochs);
  options.checkpoints = {.filename = settings.filename,
                         .monitor = settings.monitor,
                         .mode = mode,
                         .save_top_k = static_cast<int>(settings.save_top_k),
                         .every_n_steps = settings.save_every_n_steps};
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
  const bool each_step = settings.schedule_each == "step";
  return settings.epochs * (each_step ? data.training.batches() : 1);
}

// The freshly initialised model, or the one that the settings name.
Model first_model(RunSettings& settings, const RunData& data) {
  settings.class_names = data.training.dataset().class_names;
  settings.schedule_total = planned_steps(settings, data);
  Model model = start_model(settings);
  if (!settings.freeze.empty()) freeze(model.module(), settings.freeze);
  return model;
}

}  // namespace training_builder_detail

Dataset load_data(const std::string& data, Split split, const std::vector<std::int64_t>& classes) {
  const std::size_t colon = data.find(':');
  const std::string kind = data.substr(0, colon);
  const std::string directory = colon == std::string::npos ? "" : data.substr(colon + 1);
  Dataset dataset;
  if (kind == "fashion-mnist") {
    dataset = load_fashion_mnist(split, directory);
  } else if (kind == "idx" && !directory.empty()) {
    dataset = load_idx(directory, split);
  } else {
    fail(ErrorCode::invalid_argument,
         "no data set \"{}\" (there are fashion-mnist, fashion-mnist:DIR and idx:DIR)", data);
  }
  return classes.empty() ? dataset : select_classes(dataset, classes);
}

LoadedModel load_model_of(const std::filesystem::path& file_or_directory) {
  std::filesystem::path path = file_or_directory;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    const auto best = best_checkpoint(path);
    if (!best) {
      fail_at(ErrorCode::not_found, {.path = path.string()}, "", "there is no checkpoint in it");
    }
    path = best->path;
  }
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
  detail::RunData data = detail::load_run_data(settings);
  const Model model =
      checkpoint ? model_from_checkpoint(*checkpoint) : detail::first_model(settings, data);
  std::shared_ptr<torch::optim::Optimizer> optimizer =
      detail::make_optimizer(settings, model.module());
  return {.model = model,
          .optimizer = std::move(optimizer),
          .training = std::move(data.training),
          .validation = std::move(data.validation),
          .options = detail::trainer_options(settings)};
}

}  // namespace torchkeep::cli
