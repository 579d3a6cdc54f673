// What a training is made of: everything that `resume` needs to build it again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <torchkeep/value.h>

#include "cli/image_options.h"
#include "cli/transfer_options.h"

namespace torchkeep::cli {

// The defaults are those of `train`. An empty string means: chosen by what else is set.
struct RunSettings {
  std::string model = "tiny_vgg";
  std::string weights = "";  // of the model: published ones by name, or a file
  std::string from = "";     // a checkpoint or whole model to start from
  TransferOptions transfer = {};
  std::string data = "fashion-mnist";
  std::vector<std::int64_t> classes = {};                // empty: all
  std::optional<std::int64_t> per_class = std::nullopt;  // images; nothing: all
  std::string data_fingerprint = "";  // of the images to train on; chosen by the training
  double validation_fraction = 0.1;   // 0: nothing validates, not even the data's own part
  ImageOptions images = {};
  std::string augment = "";  // as parse_augmentation reads it
  std::int64_t epochs = 10;
  std::int64_t batch_size = 64;
  std::string optimizer = "adam";
  double lr = 0.001;
  double momentum = 0.9;  // of sgd and rmsprop
  double weight_decay = 0.0;
  std::string scheduler = "";  // as parse_schedule reads it; empty: the rate stays
  std::string schedule_each = "epoch";
  std::int64_t schedule_total = 0;  // steps of the schedule that were planned at the start
  std::int64_t seed = 0;
  std::int64_t threads = 0;  // 0: all processors
  std::string filename = "";
  std::string monitor = "";
  std::string mode = "";
  std::int64_t save_top_k = 3;
  std::int64_t save_every_n_epochs = 1;
  std::int64_t save_every_n_steps = 0;  // 0: only after epochs
  double save_every_n_minutes = 0.0;    // likewise
  std::optional<std::int64_t> keep_last = std::nullopt;
  std::optional<std::int64_t> keep_every_n_epochs = std::nullopt;
  std::optional<std::int64_t> keep_every_n_steps = std::nullopt;
  std::optional<std::int64_t> keep_every_n_minutes = std::nullopt;
  bool trash = false;                        // keep there what is dropped
  bool delta = false;                        // store only what differs from the file of `from`
  bool async_save = false;                   // save in the background
  std::optional<double> ema = std::nullopt;  // the decay of the average of the weights
  std::int64_t patience = 5;                 // 0: never stop early
  std::string stop_criterion = "no_improvement";
};

// Chooses what was left empty: threads, monitor, mode and filename.
void choose_defaults(RunSettings& settings);

// A dict, as kept under `hyper_parameters` in checkpoints, and its inverse, which throws not_found
// naming the setting that is missing, and mismatch. Settings that releases have added may be
// missing.
Value to_value(const RunSettings& settings);
RunSettings settings_from_value(const Value& value);

// The settings as a file that `train --config` reads.
std::string to_toml(const RunSettings& settings);

}  // namespace torchkeep::cli
