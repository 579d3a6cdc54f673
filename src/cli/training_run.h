// A training built from its settings, and its outcome.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/dataset.h>
#include <torchkeep/model.h>
#include <torchkeep/trainer.h>

#include "cli/program.h"
#include "cli/run_settings.h"

namespace torch::optim {
class Optimizer;
}

namespace torchkeep::cli {

// `data` is fashion-mnist, fashion-mnist:DIR or idx:DIR; only these classes, of all if there are
// none. Throws invalid_argument, and as load_idx.
Dataset load_data(const std::string& data, Split split, const std::vector<std::int64_t>& classes);

// The checkpoint or whole model in a file, or the best checkpoint of a directory.
struct LoadedModel {
  std::filesystem::path path;
  Value value;
  Model model;
};
LoadedModel load_model_of(const std::filesystem::path& file_or_directory);

// How `train` and `resume` tell what they do.
enum class Display { progress, json };

// Trains as the settings say and tells the outcome. `directory` must not hold checkpoints yet.
// ExitStatus::negative if a signal ended it, with a checkpoint.
ExitStatus train_run(RunSettings settings, const std::filesystem::path& directory, Display display);

// Goes on from the last checkpoint of `directory` that can be read; `epochs` in all, if given.
ExitStatus resume_run(const std::filesystem::path& directory,
                      std::optional<std::int64_t> epochs,
                      const ResumeOptions& options,
                      Display display);

}  // namespace torchkeep::cli
