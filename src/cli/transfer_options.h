// What the command line says of transfer learning: what is frozen when, rates, losses, how the
// frozen part runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <torchkeep/dataset.h>
#include <torchkeep/fine_tune.h>
#include <torchkeep/trainer.h>

#include <CLI/App.hpp>

namespace torchkeep::cli {

struct TransferOptions {
  std::vector<std::string> freeze = {};                  // globs
  std::optional<std::int64_t> freeze_to = std::nullopt;  // stages
  std::vector<std::string> unfreeze = {};                // EPOCH:GLOB
  std::string recipe = "";                               // empty: none
  std::int64_t head_epochs = 1;
  double backbone_lr_factor = 0.0;  // 0: 0.1 with a recipe, 1 without
  double layer_decay = 1.0;
  double label_smoothing = 0.0;
  std::string class_weights = "equal";
  std::string precision = "float32";
  std::string frozen = "compiled";
  std::string cache_features = "";  // a directory; empty: none are kept
  std::int64_t feature_views = 1;
};

// The object must live as long as the command.
void add_transfer_options(CLI::App& command, TransferOptions& options);

// Freezes what a training begins with.
void freeze_as_asked(torch::nn::Module& module, const TransferOptions& options);

// What is trained in the course of the training, by rate, and when it becomes trainable. Throws
// invalid_argument for options that contradict one another.
struct TransferPlan {
  std::vector<ParameterGroup> groups;
  std::vector<UnfreezeStep> unfreeze;
};
TransferPlan plan_transfer(const torch::nn::Module& module, const TransferOptions& options);

// How the frozen front runs; nothing where it is not cut off.
std::optional<FrozenBackboneOptions> frozen_backbone(const TransferOptions& options);

// Puts loss, precision and the rest into the options of a training on these images.
void set_transfer(TrainerOptions& trainer,
                  const TransferOptions& options,
                  const TransferPlan& plan,
                  const Dataset& training);

}  // namespace torchkeep::cli
