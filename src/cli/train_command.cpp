#include <memory>

#include "cli/class_list.h"
#include "cli/commands.h"
#include "cli/number_checks.h"
#include "cli/training_run.h"

namespace torchkeep::cli {
namespace {

struct TrainArguments {
  RunSettings settings;
  std::string classes;
  std::filesystem::path output = "run";
  bool json = false;
};

void add_model_options(CLI::App& command, RunSettings& settings) {
  command.add_option("--model", settings.model, "Architecture to start from, freshly initialised")
      ->capture_default_str();
  command.add_option(
      "--from", settings.from,
      "Checkpoint, whole model or run directory (its best) to start from instead. It "
      "gets a new head unless it was trained on the same classes");
  command
      .add_option("--freeze", settings.freeze,
                  "Parameters to leave as they are, such as 'features.*'; may be repeated")
      ->allow_extra_args(false);
}

void add_data_options(CLI::App& command, TrainArguments& arguments) {
  RunSettings& settings = arguments.settings;
  command.add_option("--data", settings.data, "fashion-mnist, fashion-mnist:DIR or idx:DIR")
      ->capture_default_str();
  command
      .add_option("--classes", arguments.classes,
                  "Only these, such as 0-4 or 0,2,5; all if left out")
      ->check(classes_validator());
  command.add_option("--per-class", settings.per_class, "Only that many images of each class")
      ->check(positive_number());
  command
      .add_option("--validation-fraction", settings.validation_fraction,
                  "Part of the images that is kept for validation")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  command.add_option("--batch-size", settings.batch_size, "Images in one step")
      ->check(positive_number())
      ->capture_default_str();
}

void add_optimizer_options(CLI::App& command, RunSettings& settings) {
  command.add_option("--epochs", settings.epochs, "Passes over the images, at most")
      ->check(positive_number())
      ->capture_default_str();
  command.add_option("--optimizer", settings.optimizer, "How to step")
      ->check(CLI::IsMember({"sgd", "adam", "adamw", "rmsprop", "adagrad"}))
      ->capture_default_str();
  command.add_option("--lr", settings.lr, "Learning rate")
      ->check(positive_number())
      ->capture_default_str();
  command.add_option("--momentum", settings.momentum, "Of sgd and rmsprop")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--weight-decay", settings.weight_decay, "Pull of the parameters towards 0")
      ->check(non_negative_number())
      ->capture_default_str();
  command.add_option("--scheduler", settings.scheduler,
                     "How the learning rate changes, such as step:step_size=3,gamma=0.5, cosine, "
                     "plateau:patience=2, one-cycle or warmup-cosine:warmup=100");
  command.add_option("--schedule-each", settings.schedule_each, "When the learning rate changes")
      ->check(CLI::IsMember({"epoch", "step"}))
      ->capture_default_str();
  command.add_option("--seed", settings.seed, "Decides initial values, order and split")
      ->check(non_negative_number())
      ->capture_default_str();
  command.add_option("--threads", settings.threads, "Processors to use; all if left out")
      ->check(CLI::Range(1, 1024));
}

void add_checkpoint_options(CLI::App& command, TrainArguments& arguments) {
  RunSettings& settings = arguments.settings;
  command.add_option("-o,--output", arguments.output, "Directory of the run")
      ->capture_default_str();
  command.add_option("--filename", settings.filename,
                     "Name of a checkpoint, such as model_{epoch:03d}_{val_loss:.4f}");
  command.add_option("--monitor", settings.monitor,
                     "Metric that decides: train_loss, train_acc, val_loss or val_acc");
  command.add_option("--mode", settings.mode, "Whether a small or a large metric is good")
      ->check(CLI::IsMember({"min", "max"}));
  command
      .add_option("--save-top-k", settings.save_top_k,
                  "How many of the best to keep, besides the last")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command
      .add_option("--save-every-n-steps", settings.save_every_n_steps,
                  "Also save within an epoch, to resume from; 0: never")
      ->check(CLI::Range(0, 1000000000))
      ->capture_default_str();
  command
      .add_option("--patience", settings.patience, "Bad epochs until the training stops; 0: never")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command.add_option("--stop-criterion", settings.stop_criterion, "What a bad epoch is")
      ->check(CLI::IsMember({"no_improvement", "consecutive_increase"}))
      ->capture_default_str();
  command.add_flag("--json", arguments.json, "Print nothing but one JSON document at the end");
}

}  // namespace

void add_train_command(Program& program) {
  const auto arguments = std::make_shared<TrainArguments>();
  CLI::App& command = program.add_command(
      {.name = "train",
       .summary = "Train a model and keep its checkpoints",
       .examples =
           "torchkeep train --classes 0-4 --epochs 5 --output runs/first\n"
           "torchkeep train --from runs/first --freeze 'features.*' --classes 5-9 --per-class 20 "
           "--output runs/second"},
      [arguments] {
        if (!arguments->classes.empty()) {
          arguments->settings.classes = parse_classes(arguments->classes);
        }
        return train_run(arguments->settings, arguments->output,
                         arguments->json ? Display::json : Display::progress);
      });
  add_model_options(command, arguments->settings);
  add_data_options(command, *arguments);
  add_optimizer_options(command, arguments->settings);
  add_checkpoint_options(command, *arguments);
}

}  // namespace torchkeep::cli
