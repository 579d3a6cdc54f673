// A training built from its settings: data, model, optimizer and options.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <torchkeep/model.h>
#include <torchkeep/resume_proof.h>

#include "cli/run_settings.h"

namespace torchkeep::cli {

// The file itself, or the best checkpoint of a directory. Throws not_found.
std::filesystem::path model_file(const std::filesystem::path& file_or_directory);

// The file that a training starts from; empty where it starts with new parameters. Published
// weights are fetched. Throws not_found; as fetch_weights.
std::filesystem::path starting_file(const RunSettings& settings);

// The checkpoint or whole model in that file; or, of that architecture, the weights in a file or
// published under a name, with no value.
struct LoadedModel {
  std::filesystem::path path;
  Value value;
  Model model;
};
LoadedModel load_model_of(const std::filesystem::path& file_or_directory,
                          const std::string& architecture = "");

// The training that the settings describe, from the beginning or with the model of a checkpoint.
// Every checkpoint of it holds the settings, with what was chosen for those left open. The
// directory, the lineage and the base of deltas are left to the caller.
TrainingParts build_training(RunSettings settings, const Value* checkpoint = nullptr);

}  // namespace torchkeep::cli
