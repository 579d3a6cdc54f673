// The options that describe a training, of the commands that build one.
#pragma once

#include <filesystem>
#include <string>

#include <CLI/App.hpp>

#include "cli/run_settings.h"

namespace torchkeep::cli {

class TrainingOptions {
 public:
  // Adds the options to the command. The object must live as long as that.
  void add_to(CLI::App& command);

  // What was given, once the command line is parsed, with the rest of a file of options.
  RunSettings settings();

 private:
  void add_model_options(CLI::App& command);
  void add_data_options(CLI::App& command);
  void add_augmentation_options(CLI::App& command);
  void add_optimizer_options(CLI::App& command);
  void add_schedule_options(CLI::App& command);
  void add_checkpoint_options(CLI::App& command);
  void add_retention_options(CLI::App& command);
  void add_stopping_options(CLI::App& command);

  CLI::App* command_ = nullptr;
  std::filesystem::path config_;
  RunSettings settings_;
  std::string classes_;
};

}  // namespace torchkeep::cli
