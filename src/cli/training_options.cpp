#include "cli/training_options.h"

#include <torchkeep/augmentation.h>

#include "cli/class_list.h"
#include "cli/config_file.h"
#include "cli/number_checks.h"
#include "cli/training_data.h"

namespace torchkeep::cli {

void TrainingOptions::add_to(CLI::App& command) {
  command_ = &command;
  command.add_option("--config", config_,
                     "TOML file with options under the names that they have here; these here win");
  add_model_options(command);
  add_transfer_options(command, settings_.transfer);
  add_data_options(command);
  add_image_options(command, settings_.images);
  add_augmentation_options(command);
  add_optimizer_options(command);
  add_schedule_options(command);
  add_checkpoint_options(command);
  add_retention_options(command);
  add_stopping_options(command);
}

RunSettings TrainingOptions::settings() {
  if (!config_.empty()) apply_config_file(*command_, config_);
  RunSettings settings = settings_;
  if (!classes_.empty()) settings.classes = parse_classes(classes_);
  return settings;
}

void TrainingOptions::add_model_options(CLI::App& command) {
  command.add_option("--model", settings_.model, "Architecture to start from, freshly initialised")
      ->capture_default_str();
  CLI::Option* weights = command.add_option(
      "--weights", settings_.weights,
      "Weights to start from: DEFAULT or another name that `models` lists, or a file; the model "
      "gets a new head");
  CLI::Option* from = command.add_option(
      "--from", settings_.from,
      "Checkpoint, whole model or run directory (its best) to start from instead. It "
      "gets a new head unless it was trained on the same classes");
  from->excludes(weights);
}

void TrainingOptions::add_data_options(CLI::App& command) {
  command.add_option("--data", settings_.data, kDataHelp)->capture_default_str();
  command.add_option("--classes", classes_, "Only these, such as 0-4 or 0,2,5; all if left out")
      ->check(classes_validator());
  command.add_option("--per-class", settings_.per_class, "Only that many images of each class")
      ->check(positive_number());
  command
      .add_option("--validation-fraction", settings_.validation_fraction,
                  "Part of the images that is kept for validation, if the data have none; 0: none")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  command.add_option("--batch-size", settings_.batch_size, "Images in one step")
      ->check(positive_number())
      ->capture_default_str();
}

void TrainingOptions::add_augmentation_options(CLI::App& command) {
  const auto check = [](const std::string& text) -> std::string {
    try {
      parse_augmentation(text);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  command
      .add_option(
          "--augment", settings_.augment,
          "Random changes of the images, such as crop,flip,jitter=0.4,erasing or pad=4,flip")
      ->check(check);
}

void TrainingOptions::add_optimizer_options(CLI::App& command) {
  command.add_option("--epochs", settings_.epochs, "Passes over the images, at most")
      ->check(positive_number())
      ->capture_default_str();
  command.add_option("--optimizer", settings_.optimizer, "How to step")
      ->check(CLI::IsMember({"sgd", "adam", "adamw", "rmsprop", "adagrad"}))
      ->capture_default_str();
  command.add_option("--lr", settings_.lr, "Learning rate")
      ->check(positive_number())
      ->capture_default_str();
  command.add_option("--momentum", settings_.momentum, "Of sgd and rmsprop")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--weight-decay", settings_.weight_decay, "Pull of the parameters towards 0")
      ->check(non_negative_number())
      ->capture_default_str();
  command.add_option("--seed", settings_.seed, "Decides initial values, order and split")
      ->check(non_negative_number())
      ->capture_default_str();
  command.add_option("--threads", settings_.threads, "Processors to use; all if left out")
      ->check(CLI::Range(1, 1024));
}

void TrainingOptions::add_schedule_options(CLI::App& command) {
  command.add_option("--scheduler", settings_.scheduler,
                     "How the learning rate changes, such as step:step_size=3,gamma=0.5, cosine, "
                     "plateau:patience=2, one-cycle or warmup-cosine:warmup=100");
  command.add_option("--schedule-each", settings_.schedule_each, "When the learning rate changes")
      ->check(CLI::IsMember({"epoch", "step"}))
      ->capture_default_str();
}

void TrainingOptions::add_checkpoint_options(CLI::App& command) {
  command.add_option("--filename", settings_.filename,
                     "Name of a checkpoint, such as model_{epoch:03d}_{val_loss:.4f}");
  command.add_option(
      "--monitor", settings_.monitor,
      "Metric that decides: train_loss, train_acc, val_loss, val_acc, ema_val_loss, ...");
  command.add_option("--mode", settings_.mode, "Whether a small or a large metric is good")
      ->check(CLI::IsMember({"min", "max"}));
  command
      .add_option("--save-every-n-epochs", settings_.save_every_n_epochs,
                  "Save after each so many epochs")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command
      .add_option("--save-every-n-steps", settings_.save_every_n_steps,
                  "Also save within an epoch, to resume from; 0: never")
      ->check(CLI::Range(0, 1000000000))
      ->capture_default_str();
  command
      .add_option("--save-every-n-minutes", settings_.save_every_n_minutes,
                  "Likewise, so long after the save before; 0: never")
      ->check(non_negative_number())
      ->capture_default_str();
}

void TrainingOptions::add_retention_options(CLI::App& command) {
  command
      .add_option("--save-top-k", settings_.save_top_k,
                  "How many of the best to keep, besides the last")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command.add_option("--keep-last", settings_.keep_last, "Keep also so many of the newest")
      ->check(CLI::Range(1, 1000000));
  command
      .add_option("--keep-every-n-epochs", settings_.keep_every_n_epochs,
                  "Keep also, for ever, the first in each stretch of so many epochs")
      ->check(CLI::Range(1, 1000000));
  command
      .add_option("--keep-every-n-steps", settings_.keep_every_n_steps,
                  "The same for a stretch of steps")
      ->check(CLI::Range(1, 1000000000));
  command
      .add_option("--keep-every-n-minutes", settings_.keep_every_n_minutes,
                  "The same for a stretch of minutes")
      ->check(CLI::Range(1, 1000000000));
  command.add_flag("--async-save", settings_.async_save,
                   "Go on training while a checkpoint is written");
  command.add_flag("--delta", settings_.delta,
                   "Store only what differs from the file of --from or --weights, which must stay "
                   "where it is");
  command
      .add_option("--ema", settings_.ema,
                  "Keep also an average of the weights with this decay, such as 0.999; with "
                  "validation there are metrics ema_val_loss and ema_val_acc")
      ->check(CLI::Range(0.0, 0.999999999));
  command.add_flag("--trash", settings_.trash,
                   "Move what is dropped to the folder trash of the run instead of deleting it");
}

void TrainingOptions::add_stopping_options(CLI::App& command) {
  command
      .add_option("--patience", settings_.patience, "Bad epochs until the training stops; 0: never")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command.add_option("--stop-criterion", settings_.stop_criterion, "What a bad epoch is")
      ->check(CLI::IsMember({"no_improvement", "consecutive_increase"}))
      ->capture_default_str();
}

}  // namespace torchkeep::cli
