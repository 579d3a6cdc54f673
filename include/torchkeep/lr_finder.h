// Which learning rate to begin with: a trial with rates that grow (Smith, 2015).
#pragma once

#include <string>
#include <vector>

#include <torchkeep/batch_source.h>
#include <torchkeep/frozen_backbone.h>
#include <torchkeep/loss.h>
#include <torchkeep/model.h>

namespace torch::optim {
class Optimizer;
}

namespace torchkeep {

struct LrSearchOptions {
  double min_lr = 1e-6;
  double max_lr = 1.0;
  int steps = 100;            // of the optimizer, each with a larger rate by the same factor
  double smoothing = 0.9;     // how much of the mean so far stays in the loss at each step
  double stop_at_loss = 4.0;  // times the smallest one: the trial ends early
  Loss loss = {};             // empty: cross entropy
  FrozenBackboneOptions frozen_backbone = {};
};

struct LrSearch {
  struct Step {
    double lr = 0.0;
    double loss = 0.0;  // smoothed, as means of few values are corrected
  };
  std::vector<Step> steps = {};
  double suggested = 0.0;      // where the loss falls most steeply over the logarithm of the rate
  double at_least_loss = 0.0;  // the rate at the smallest loss: too large to begin with
};

// Trains from the first batch on, again from the start where the batches run out. Groups keep the
// ratios of their rates. The model, the random state and the position in the data are as before
// afterwards; the optimizer has changed its state and its rates: make a new one. Throws
// invalid_argument for options out of range, and for a trial whose loss is not finite from the
// start.
LrSearch find_learning_rate(const Model& model,
                            torch::optim::Optimizer& optimizer,
                            BatchSource& batches,
                            const LrSearchOptions& options = {});

// A plot of characters and the suggestion, for people.
std::string to_string(const LrSearch& search);
// One JSON document: `{"suggested", "at_least_loss", "steps": [{"lr", "loss"}]}`.
std::string to_json(const LrSearch& search);

}  // namespace torchkeep
