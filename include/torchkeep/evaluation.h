// Measuring a classifier, and asking it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <torchkeep/batch_source.h>
#include <torchkeep/loss.h>
#include <torchkeep/metrics.h>
#include <torchkeep/model.h>

namespace torchkeep {

// Mean loss and accuracy over one pass: `{"loss", "acc"}`. Evaluation mode, no gradients. The
// predicted class is the largest output, or for a single output whether it is above 0. An empty
// loss is cross entropy.
Metrics evaluate(const Model& model, BatchSource& batches, const Loss& loss = {});

// The same, by class.
struct Evaluation {
  double loss = 0.0;
  double accuracy = 0.0;
  // confusion[label][predicted]: images. As many rows and columns as the data set has classes, or
  // the model outputs.
  std::vector<std::vector<std::int64_t>> confusion = {};

  std::int64_t images_of(std::size_t label) const;
  double accuracy_of(std::size_t label) const;  // NaN for a class without images
};
Evaluation evaluate_classes(const Model& model, BatchSource& batches, const Loss& loss = {});

// A class, and how sure the model is of it.
struct ClassScore {
  std::int64_t index = 0;
  double probability = 0.0;
};

struct PredictOptions {
  std::int64_t top_k = 5;  // at most as many as there are classes
  BatchOptions batches = {};
};

// The likeliest classes of each image, in the order of the data set, whose labels play no part. A
// single output is the evidence for class 1. Throws as BatchSource.
std::vector<std::vector<ClassScore>> predict(const Model& model,
                                             const Dataset& images,
                                             const PredictOptions& options = {});

}  // namespace torchkeep
