// A training built from its settings: data, model, optimizer and options.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <torchkeep/dataset.h>
#include <torchkeep/model.h>
#include <torchkeep/resume_proof.h>

#include "cli/run_settings.h"

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

// The training that the settings describe, from the beginning or with the model of a checkpoint.
// Every checkpoint of it holds the settings, with what was chosen for those left open. The
// directory is left to the caller.
TrainingParts build_training(RunSettings settings, const Value* checkpoint = nullptr);

}  // namespace torchkeep::cli
