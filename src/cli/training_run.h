// A training from the command line, and its outcome.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <torchkeep/trainer.h>

#include "cli/program.h"
#include "cli/run_settings.h"

namespace torchkeep::cli {

// How `train` and `resume` tell what they do.
enum class Display { progress, json };

// Trains as the settings say and tells the outcome. `directory` must not hold checkpoints yet.
// ExitStatus::negative if a signal ended it, with a checkpoint.
// Every checkpoint notes the command.
ExitStatus train_run(const RunSettings& settings,
                     const std::vector<std::string>& command,
                     const std::filesystem::path& directory,
                     Display display);

// Goes on from the last checkpoint of `directory` that can be read; `epochs` in all, if given.
ExitStatus resume_run(const std::filesystem::path& directory,
                      std::optional<std::int64_t> epochs,
                      const ResumeOptions& options,
                      Display display);

}  // namespace torchkeep::cli
