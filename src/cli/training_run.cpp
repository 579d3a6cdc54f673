#include "cli/training_run.h"

#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/interrupt.h>
#include <torchkeep/lineage.h>
#include <torchkeep/load.h>

#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>
#include <torch/nn/module.h>

#include "base/fail.h"
#include "cli/output.h"
#include "cli/training_builder.h"
#include "cli/training_display.h"
#include "io/atomic_file.h"
#include "train/metrics_json.h"

namespace torchkeep::cli {
namespace training_run_detail {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::int64_t count_parameters(const torch::nn::Module& module, bool only_trainable) {
  std::int64_t count = 0;
  for (const at::Tensor& parameter : module.parameters()) {
    if (parameter.requires_grad() || !only_trainable) count += parameter.numel();
  }
  return count;
}

Json outcome_json(const FitResult& result, const TrainingParts& parts) {
  Json json = {{"directory", parts.options.directory.string()},
               {"epochs", result.epochs},
               {"stop_reason", std::string(name(result.stop.reason))},
               {"stop_message", result.stop.message},
               {"interrupted", result.interrupted},
               {"best", nullptr},
               {"last_metrics", to_json(result.last_metrics)},
               {"training_images", parts.training.dataset().size()},
               {"validation_images", parts.validation ? parts.validation->dataset().size() : 0},
               {"parameters", count_parameters(parts.model.module(), false)},
               {"trainable_parameters", count_parameters(parts.model.module(), true)},
               {"threads", at::get_num_threads()}};
  if (result.best) {
    json["best"] = {{"path", result.best->path.string()},
                    {"epoch", result.best->epoch},
                    {"metrics", to_json(result.best->metrics)}};
  }
  return json;
}

std::string opening_line(const TrainingParts& parts) {
  return fmt::format(
      "{}: {} images to train on, {} to validate with, {} classes; {} of {} parameters "
      "trainable; {} threads\n",
      parts.model.architecture(), parts.training.dataset().size(),
      parts.validation ? parts.validation->dataset().size() : 0,
      parts.training.dataset().class_names.size(), count_parameters(parts.model.module(), true),
      count_parameters(parts.model.module(), false), at::get_num_threads());
}

ExitStatus fit_and_tell(Trainer& trainer, TrainingParts& parts, Display display) {
  BatchSource* validation = parts.validation ? &*parts.validation : nullptr;
  FitResult result;
  if (display == Display::json) {
    result = trainer.fit(parts.training, validation);
    write_output(outcome_json(result, parts).dump(2) + "\n");
  } else {
    write_output(opening_line(parts));
    TrainingDisplay shown(parts.options.epochs);
    result = trainer.fit(parts.training, validation, &shown);
    shown.finish(result);
  }
  if (!result.interrupted) return ExitStatus::done;
  write_error(fmt::format("interrupted; go on with: torchkeep resume {}",
                          parts.options.directory.string()));
  return ExitStatus::negative;
}

void set_surroundings(TrainingParts& parts,
                      const fs::path& directory,
                      const InterruptGuard& guard) {
  parts.options.directory = directory;
  parts.options.interrupted = [&guard] { return guard.requested(); };
}

Value lineage_of(const RunSettings& settings,
                 const std::vector<std::string>& command,
                 const fs::path& directory) {
  LineageOptions options{.command = command};
  options.parent = starting_file(settings);
  return make_lineage(directory, options);
}

fs::path base_of_deltas(const RunSettings& settings) {
  fs::path base = starting_file(settings);
  if (!base.empty()) return base;
  fail_at(ErrorCode::invalid_argument, {}, "start from a file, with --from or --weights",
          "there is no file from which --delta could store the difference");
}

// What was chosen for settings left open included.
void keep_settings(const TrainerOptions& options) {
  std::error_code error;
  fs::create_directories(options.directory, error);
  if (error) {
    fail_at(ErrorCode::io, {.path = options.directory.string()}, "name another one with --output",
            "cannot make the directory ({})", error.message());
  }
  io::write_file(options.directory / "settings.toml",
                 to_toml(settings_from_value(options.hyper_parameters)));
}

}  // namespace training_run_detail

ExitStatus train_run(const RunSettings& settings,
                     const std::vector<std::string>& command,
                     const std::filesystem::path& directory,
                     Display display) {
  namespace detail = training_run_detail;
  std::error_code error;
  if (std::filesystem::exists(directory, error) && !list_checkpoints(directory).empty()) {
    fail_at(ErrorCode::invalid_argument, {.path = directory.string()},
            "resume it, or name another directory with --output",
            "the directory holds a run already");
  }
  const InterruptGuard guard;
  TrainingParts parts = build_training(settings);
  detail::set_surroundings(parts, directory, guard);
  if (settings.delta) parts.options.checkpoints.delta_base = detail::base_of_deltas(settings);
  parts.options.lineage = detail::lineage_of(settings, command, directory);
  detail::keep_settings(parts.options);
  Trainer trainer(parts.model, *parts.optimizer, parts.options);
  return detail::fit_and_tell(trainer, parts, display);
}

ExitStatus resume_run(const std::filesystem::path& directory,
                      std::optional<std::int64_t> epochs,
                      const ResumeOptions& resume_options,
                      Display display) {
  namespace detail = training_run_detail;
  const FoundCheckpoint found = load_last_checkpoint(directory);
  for (const Error& skipped : found.skipped) {
    write_error(fmt::format("skipped {}", skipped.what()));
  }
  try {
    const InterruptGuard guard;
    RunSettings settings = settings_from_value(found.value["hyper_parameters"]);
    if (epochs) settings.epochs = *epochs;
    TrainingParts parts = build_training(settings, &found.value);
    detail::set_surroundings(parts, directory, guard);
    if (settings.delta) {
      const auto& base = found.info.base;  // moves with the run
      parts.options.checkpoints.delta_base = base.empty() ? detail::base_of_deltas(settings) : base;
    }
    Trainer trainer(parts.model, *parts.optimizer, parts.options);
    for (const std::string& part :
         trainer.resume(found.value, found.info.path, parts.training, resume_options)) {
      write_error("not restored: " + part);
    }
    if (display == Display::progress) {
      write_output(fmt::format("resumed from {} {} epoch {}\n", found.info.path.string(),
                               found.info.intermediate ? "within" : "after", found.info.epoch));
    }
    return detail::fit_and_tell(trainer, parts, display);
  } catch (Error& error) {
    error.add_place({.path = found.info.path.string()});
    throw;
  }
}

}  // namespace torchkeep::cli
