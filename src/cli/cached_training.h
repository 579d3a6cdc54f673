// Trainings that see what a frozen front has made of images, instead of the images.
#pragma once

#include <torchkeep/resume_proof.h>

#include "cli/run_settings.h"

namespace torchkeep::cli {

// Computes the features of the training and the validation, as far as they are not in the directory
// of the settings, and lets the training go on from there. Throws as cache_features().
void train_on_features(TrainingParts& parts, const RunSettings& settings);

}  // namespace torchkeep::cli
