// Proving that a training can be stopped and gone on with: to the bit, or with the first
// difference.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <torchkeep/batch_source.h>
#include <torchkeep/model.h>
#include <torchkeep/trainer.h>

namespace torchkeep {

// All that a process builds before it trains.
struct TrainingParts {
  Model model;
  std::shared_ptr<torch::optim::Optimizer> optimizer;  // of `model`
  BatchSource training;
  std::optional<BatchSource> validation = std::nullopt;
  TrainerOptions options = {};
};

// Builds a training from the beginning: with a fresh model, or with the one of the checkpoint.
using BuildTraining = std::function<TrainingParts(const Value* checkpoint)>;

struct ProofOptions {
  std::int64_t steps = 20;                    // of the optimizer, in all
  std::int64_t stop_at = 10;                  // after so many of them
  std::filesystem::path directory = "proof";  // gets the runs `straight` and `resumed`
};

struct ResumeProof {
  std::string difference = {};  // the first, with its place; empty: exact
  std::int64_t steps = 0;       // that were made after the stop, each with the same batch
  std::int64_t values = 0;      // tensors and numbers that were compared at the end
  std::int64_t bytes = 0;       // of those tensors
};

// Trains `steps` steps at a stretch, and again with a stop: the second training is saved, built
// anew from the file by `build`, and resumed. Compares the images, labels and loss of every step
// after the stop, and all that a checkpoint holds at the end. Signals go on being asked for.
// Throws invalid_argument unless 0 < stop_at < steps and the training has so many steps; as
// Trainer.
ResumeProof prove_resume(const BuildTraining& build, const ProofOptions& options);

}  // namespace torchkeep
