// A training built from its settings: data, model, optimizer and options.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <torchkeep/model.h>
#include <torchkeep/resume_proof.h>

#include "cli/run_settings.h"

namespace torchkeep::cli {

// The checkpoint or whole model in a file, or the best checkpoint of a directory; or, of that
// architecture, the weights in a file or published under a name, with no value.
struct LoadedModel {
  std::filesystem::path path;
  Value value;
  Model model;
};
LoadedModel load_model_of(const std::filesystem::path& file_or_directory,
                          const std::string& architecture = "");

// The training that the settings describe, from the beginning or with the model of a checkpoint.
// Every checkpoint of it holds the settings, with what was chosen for those left open. The
// directory is left to the caller.
TrainingParts build_training(RunSettings settings, const Value* checkpoint = nullptr);

}  // namespace torchkeep::cli
